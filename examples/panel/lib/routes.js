/* Addresses: each takes the request apart, asks the database, and hands what comes back to a page. */
import { Router } from 'express';
import { inUsersWords, Refusal } from './errors.js';
import { accountsPage } from './pages/accounts.js';
import { changesPage } from './pages/changes.js';
import { connectedPage, disconnectPage } from './pages/connection.js';
import { errorPage } from './pages/error.js';
import { modelPage } from './pages/model.js';
import { modelsPage } from './pages/models.js';
import { requestPage } from './pages/request.js';
import { statementPage } from './pages/statement.js';
import { beginSignIn, flash, signInOf } from './session.js';

const STATEMENTS = { 'profit-and-loss': 'profit_and_loss', 'balance-sheet': 'balance_sheet' };
const FREQUENCIES = ['month', 'quarter', 'year'];
const METHODS = ['Accrual', 'Cash'];

const oneOf = (values, given) => (values.includes(given) ? given : values[0]);
const text = (value) => (typeof value === 'string' ? value.trim() : '');
const monthStart = (month) => `${month}-01`;
const monthEnd = (month) => new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 0)).toISOString().slice(0, 10);

/* '2026-01' of a form, or what is said if nothing was given. */
function monthOf(value, otherwise) {
  const given = text(value) || otherwise;
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(given)) throw new Refusal(400, 'That is not a month', 'Months are written as 2026-01.');
  return given;
}

/* The month so many months before another. */
function monthsBefore(month, howMany) {
  return new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)) - 1 - howMany, 1)).toISOString().slice(0, 7);
}

export function routes(settings, database, events) {
  const router = Router();
  const show = (response, page) => response.send(String(page));

  // every address below a model begins by finding it
  router.param('model', async (request, response, next, id) => {
    request.model = /^\d{1,18}$/.test(id) ? await database.model(id) : null;
    if (!request.model) throw new Refusal(404, 'There is no such model', 'It was removed, or the address is wrong.');
    next();
  });
  router.param('branch', async (request, response, next, id) => {
    request.branches = await database.branches(request.model.model_id);
    request.branch = request.branches.find(({ branch_id }) => branch_id === id);
    if (!request.branch) throw new Refusal(404, 'There is no such entity', 'It was removed, or the address is wrong.');
    next();
  });

  // ---- models ----

  router.get('/', async (request, response) => show(response, modelsPage(request, await database.models())));

  router.post('/models', async (request, response) => {
    const purpose = request.body.training ? 'training' : 'production';
    const id = await database.createModel(text(request.body.name), purpose);
    response.redirect(303, `/models/${id}`);
  });

  router.get('/models/:model', async (request, response) => {
    const { model_id: id } = request.model;
    const [branches, requests, months] = await Promise.all([database.branches(id), database.requests(id), database.monthsOf(id)]);
    show(response, modelPage(request, branches, requests, months, thisMonth()));
  });

  router.post('/models/:model/branches', async (request, response) => {
    await database.createBranch(request.model.name, text(request.body.name), text(request.body.parent));
    await flash(request, 'good', `${text(request.body.name)} was added.`);
    response.redirect(303, `/models/${request.model.model_id}`);
  });

  // ---- sign-in ----

  router.post('/models/:model/branches/:branch/connect', async (request, response) => {
    const { model, branch } = request;
    const about = { modelId: model.model_id, branchId: branch.branch_id };
    const address = await beginSignIn(request, about, (word) =>
      branch.connection_id && branch.environment === settings.environment
        ? database.reconnect(model.name, branch.name, word)
        : database.connect(model.name, settings.environment, branch.name, word));
    response.redirect(303, address);
  });

  router.get(settings.callback, async (request, response) => {
    const signIn = signInOf(request);
    try {
      const connection = await database.completeConnection(settings.url + request.originalUrl, signIn.word);
      const [model, branches] = await madeFor(database, connection);
      const branch = branches.find(({ name }) => name === connection.branch);
      response.redirect(303, `/models/${model.model_id}/branches/${branch.branch_id}/connected`);
    } catch (error) {
      const words = inUsersWords(error);
      const back = signIn.modelId && { modelId: signIn.modelId, branchId: signIn.branchId };
      if (words.status >= 500) console.error(`sign-in: ${error.code} ${error.message}`);
      response.status(words.status);
      show(response, errorPage(request, words, back));
    }
  });

  router.get('/models/:model/branches/:branch/connected', async (request, response) => {
    if (!request.branch.connection_id) return response.redirect(303, `/models/${request.model.model_id}`);
    return show(response, connectedPage(request, thisMonth()));
  });

  router.get('/models/:model/branches/:branch/disconnect', (request, response) => show(response, disconnectPage(request)));

  router.post('/models/:model/branches/:branch/disconnect', async (request, response) => {
    const ended = await database.disconnect(request.model.name, request.branch.name);
    await flash(request, 'good', `${ended.company} is disconnected. Its figures stay here.`);
    response.redirect(303, `/models/${request.model.model_id}`);
  });

  // ---- imports ----

  router.post('/models/:model/imports', async (request, response) => {
    const { model, body } = request;
    const [from, until] = [monthOf(body.from), monthOf(body.until)];
    const method = oneOf(METHODS, body.method);
    const id = await database.requestImport(model.name, monthStart(from), monthEnd(until), method, text(body.branch));
    response.redirect(303, `/models/${model.model_id}/requests/${id}`);
  });

  router.post('/models/:model/refreshes', async (request, response) => {
    const id = await database.requestRefresh(request.model.name, text(request.body.branch));
    response.redirect(303, `/models/${request.model.model_id}/requests/${id}`);
  });

  router.get('/models/:model/requests/:id', async (request, response) => {
    const { id } = request.params;
    const found = /^\d{1,18}$/.test(id) && (await database.request(request.model.model_id, id));
    if (!found) throw new Refusal(404, 'There is no such import', 'It ended long ago, or the address is wrong.');
    show(response, requestPage(request, found));
  });

  router.post('/models/:model/requests/:id/cancel', async (request, response) => {
    await database.cancelRequest(request.params.id);
    response.redirect(303, `/models/${request.model.model_id}/requests/${request.params.id}`);
  });

  router.get('/models/:model/events', (request, response) => events.follow(request.model.model_id, request, response));

  // ---- chart of accounts ----

  router.get('/models/:model/accounts', async (request, response) => {
    const branches = await database.branches(request.model.model_id);
    const first = branches.find(({ connection_id }) => connection_id) ?? branches[0];
    response.redirect(303, `/models/${request.model.model_id}/branches/${first.branch_id}/accounts`);
  });

  router.get('/models/:model/branches/:branch/accounts', async (request, response) => {
    const { model, branch } = request;
    const accounts = branch.connection_id ? await database.accounts(model.name, model.model_id, branch.connection_id, branch.name) : [];
    show(response, accountsPage(request, accounts));
  });

  router.post('/models/:model/branches/:branch/accounts', async (request, response) => {
    const { model, branch, body } = request;
    if (body.accept) {
      const accepted = await database.acceptProposals(model.name, branch.name);
      await flash(request, 'good', `${accepted} accounts are mapped as proposed.`);
    } else {
      const mappings = mappingsOf(body);
      if (mappings.length) await database.saveMapping(model.name, branch.name, mappings);
      await flash(request, 'good', mappings.length === 1 ? 'One account was saved.' : `${mappings.length} accounts were saved.`);
    }
    response.redirect(303, request.path + (body.group ? `?group=${encodeURIComponent(text(body.group))}` : ''));
  });

  // ---- figures ----

  router.get('/models/:model/statements/:statement', async (request, response) => {
    const { model, query } = request;
    const kind = STATEMENTS[request.params.statement];
    if (!kind) throw new Refusal(404, 'There is no such statement', 'The address is wrong.');
    const [branches, months] = await Promise.all([database.branches(model.model_id), database.monthsOf(model.model_id)]);
    const connected = branches.filter(({ connection_id }) => connection_id);
    const chosen = choice(query, connected, months);
    const rows = chosen && (await database.statement(model.name, kind, chosen));
    show(response, statementPage(request, request.params.statement, { kind, rows, chosen, connected, months }));
  });

  router.get('/models/:model/changes', async (request, response) =>
    show(response, changesPage(request, await database.restatements(request.model.model_id))));

  router.get('/healthz', async (request, response) => response.json({ ok: (await database.value('SELECT true')) === true }));

  return router;
}

async function madeFor(database, connection) {
  const model = await database.modelNamed(connection.model);
  return [model, await database.branches(model.model_id)];
}

const thisMonth = () => new Date().toISOString().slice(0, 7);

/* Of the fields type:ID, category:ID, subcategory:ID and was:ID, the accounts that are not as they were. */
function mappingsOf(body) {
  return Object.keys(body).filter((key) => key.startsWith('type:')).map((key) => {
    const account = key.slice('type:'.length);
    return {
      account,
      type: text(body[key]),
      category: text(body[`category:${account}`]),
      subcategory: text(body[`subcategory:${account}`]) || null,
      was: text(body[`was:${account}`]),
    };
  }).filter(({ type, category, subcategory, was }) => type && category && JSON.stringify([type, category, subcategory]) !== was);
}

/* What a statement is asked for: the query's, or the last half-year that is there. */
function choice(query, connected, months) {
  if (!months?.first || !connected.length) return null;
  const last = months.last.slice(0, 7);
  const [first, until] = [months.first.slice(0, 7), monthOf(query.until, last)];
  const usual = monthsBefore(until, 5);
  const from = monthOf(query.from, usual < first ? first : usual);
  const entity = connected.find(({ branch_id }) => branch_id === query.entity) ?? (connected.length === 1 ? connected[0] : null);
  return {
    from, until,
    start: monthStart(from), end: monthEnd(until),
    frequency: oneOf(FREQUENCIES, query.frequency),
    method: oneOf(months.has_accrual ? METHODS : ['Cash'], query.method),
    branch: entity?.name ?? null,
    entity: entity?.branch_id ?? '',
    consolidated: !entity,
  };
}
