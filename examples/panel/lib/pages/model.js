/* A model's overview: its entities with their companies, what is under way, and what can be asked for. */
import { count, month, time } from '../format.js';
import { html } from '../html.js';
import { field, layout } from './layout.js';
import { isOpen, requestLine } from './progress.js';

const STATUS = { connected: ['good', 'Connected'], reconnect_required: ['bad', 'Reconnect required'], suspended: ['bad', 'Suspended'], disconnected: ['quiet', 'Disconnected'] };

const connectForm = (request, branch, label, kind) => html`<form method="post" action="/models/${request.model.model_id}/branches/${branch.branch_id}/connect">${field(request)}
<button class="${kind}" aria-label="${label}: ${branch.name}">${label}</button></form>`;

function ends(days) {
  if (days === null) return null;
  return html`<div><dt>Sign-in good for</dt><dd>${days <= 30 ? html`<span class="badge warn">${count(days, 'day')}</span>` : count(days, 'day')}</dd></div>`;
}

function company(request, branch) {
  const base = `/models/${request.model.model_id}/branches/${branch.branch_id}`;
  const [kind, words] = STATUS[branch.status];
  const again = branch.status !== 'connected' || branch.days <= 30 || branch.reason_code === 'permission_denied';
  return html`
<div class="model-line"><h3>${branch.company}</h3><span class="badge ${kind}">${words}</span></div>
${branch.user_message && html`<p class="warn-text">${branch.user_message} <strong>${branch.user_action}</strong></p>`}
<dl class="facts">
<div><dt>Figures as of</dt><dd>${time(branch.data_as_of) || 'None yet'}</dd></div>
<div><dt>Currency</dt><dd>${branch.home_currency}</dd></div>
<div><dt>Accounts</dt><dd>${branch.accounts || 'None yet'}${branch.unmapped > 0 && html` <span class="fine">${branch.unmapped} not mapped</span>`}</dd></div>
${branch.status === 'connected' && ends(branch.days)}
</dl>
<div class="actions">
${again ? connectForm(request, branch, 'Reconnect QuickBooks', 'quickbooks') : null}
${branch.accounts > 0 && html`<a class="button" href="${base}/accounts">Chart of accounts</a>`}
${branch.status !== 'disconnected' && html`<a class="button quiet" href="${base}/disconnect" aria-label="Disconnect ${branch.company}">Disconnect</a>`}
</div>`;
}

const nobody = (request, branch) => html`<p class="empty-line">No QuickBooks company.</p>
<div class="actions">${connectForm(request, branch, 'Connect QuickBooks', 'quickbooks')}</div>`;

const entity = (request, branch) => html`<li class="card entity depth-${Math.min(branch.depth, 3)}">
<h2 class="entity-name">${branch.name}</h2>
${branch.connection_id ? company(request, branch) : nobody(request, branch)}
</li>`;

/* importForm(request, branches that have a company, the month it ends with, title) */
export function importForm(request, connected, until, title) {
  const from = `${Number(until.slice(0, 4)) - 2}-01`;
  return html`<form method="post" action="/models/${request.model.model_id}/imports" class="row">${field(request)}
${connected.length > 1
    ? html`<label>Of <select name="branch"><option value="">All companies</option>${connected.map((branch) => html`<option>${branch.name}</option>`)}</select></label>`
    : html`<input type="hidden" name="branch" value="${connected[0].name}">`}
<label>From <input type="month" name="from" value="${from}" required pattern="\\d{4}-\\d{2}" placeholder="2026-01"></label>
<label>Until <input type="month" name="until" value="${until}" required pattern="\\d{4}-\\d{2}" placeholder="2026-12"></label>
<label>Method <select name="method"><option>Accrual</option><option>Cash</option></select></label>
<button class="primary">${title}</button>
</form>`;
}

function work(request, connected, requests, months, until) {
  const base = `/models/${request.model.model_id}`;
  return html`<section class="card" aria-labelledby="work"><h2 id="work">Figures</h2>
${months?.first ? html`<p>${month(months.first)} to ${month(months.last)} are here.</p>
<form method="post" action="${base}/refreshes">${field(request)}<button>Look for changes now</button></form>` : html`<p>Nothing was imported yet.</p>`}
${importForm(request, connected, until, 'Import')}
${requests.length > 0 && html`<h3>Imports</h3><ul class="lines">${requests.map((one) => requestLine(request.model.model_id, one))}</ul>`}
</section>`;
}

const newBranch = (request, branches) => html`<details class="card"><summary>Add an entity</summary>
<form method="post" action="/models/${request.model.model_id}/branches" class="row">${field(request)}
<label>Name <input name="name" required maxlength="200" autocomplete="off"></label>
<label>Below <select name="parent">${branches.map(({ name }) => html`<option>${name}</option>`)}</select></label>
<button>Add</button>
</form></details>`;

export function modelPage(request, branches, requests, months, until) {
  const connected = branches.filter(({ connection_id }) => connection_id);
  const base = `/models/${request.model.model_id}`;
  return layout(request, request.model.title ?? request.model.name, html`
<h1 class="visually-hidden">${request.model.title}: overview</h1>
<div class="columns">
<div><ul class="entities">${branches.map((branch) => entity(request, branch))}</ul>${newBranch(request, branches)}</div>
${connected.length > 0 && work(request, connected, requests, months, until)}
</div>`, { follow: `${base}/events`, reload: requests.some(isOpen) ? 5 : null, tab: 'overview' });
}
