/*
 * The panel in a real browser, against the simulated QuickBooks: what its users do, and what they see at each step.
 * Figures come from the simulator's ledger. test/panel.sh says where everything is.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import https from 'node:https';
import { after, before, test } from 'node:test';
import { createRequire } from 'node:module';
import pg from 'pg';
import { chromium } from 'playwright-core';

const { PANEL_ADDRESS: address, PANEL_SCREENS: screens, SIMULATOR_URL: simulator, SIMULATOR_CA: caFile } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const ca = readFileSync(caFile);
const PROGRAM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const VIEW = { viewport: { width: 1200, height: 800 }, ignoreHTTPSErrors: true, colorScheme: 'light', locale: 'en-US', timezoneId: 'UTC', reducedMotion: 'reduce' };

let browser;
let context;
let page;
let model; // the address of the model's overview
const complaints = [];

/* In its sandbox, where the machine lets an ordinary user have one; root has none. */
async function launch() {
  const options = { executablePath: PROGRAM, args: ['--disable-dev-shm-usage'], chromiumSandbox: process.getuid() !== 0 };
  try {
    return await chromium.launch(options);
  } catch (error) {
    if (!options.chromiumSandbox) throw error;
    console.log('# this machine has no sandbox for Chromium');
    return chromium.launch({ ...options, chromiumSandbox: false });
  }
}

/* A verb of the simulator's admin interface. */
function quickbooks(verb, given = {}) {
  return new Promise((resolve, reject) => {
    const request = https.request(`${simulator}/admin/${verb}`, { method: 'POST', ca, headers: { 'Content-Type': 'application/json' } }, async (response) => {
      const answer = JSON.parse((await response.toArray()).join(''));
      if (answer.ok) resolve(answer);
      else reject(new Error(`${verb}: ${answer.error}`));
    });
    request.on('error', reject);
    request.end(JSON.stringify(given));
  });
}

/* On both clocks: QuickBooks', and the one that the background worker goes by. */
async function pass(seconds) {
  await quickbooks('clock', { advance_seconds: seconds });
  const client = new pg.Client({ user: 'postgres' });
  await client.connect();
  const { rows: [{ setting }] } = await client.query("SELECT setting FROM pg_settings WHERE name = 'reefqbo.clock_offset'");
  await client.query(`ALTER SYSTEM SET reefqbo.clock_offset = '${Number(setting) + seconds}s'`);
  await client.query('SELECT pg_reload_conf()');
  await client.end();
}

async function newPage(options = {}) {
  const made = await browser.newContext({ ...VIEW, ...options });
  const opened = await made.newPage();
  opened.setDefaultTimeout(60000);
  opened.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  opened.on('pageerror', (error) => complaints.push(String(error)));
  return opened;
}

async function keep(name, on = page) {
  await on.evaluate(() => document.fonts.ready);
  await on.screenshot({ path: `${screens}/${name}.png` });
}

/* Nothing that WCAG 2.1 A and AA forbid, as far as a program can see. */
async function isAccessible(on = page) {
  await on.evaluate(axe);
  const { violations } = await on.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).slice(0, 3).join(' ')}`), []);
}

async function sees(...words) {
  const text = await page.locator('main').innerText();
  for (const one of words) assert.ok(text.includes(one), `${one} is not on the page:\n${text}`);
}

/* On Intuit's page: the company, and yes or no. */
async function signIn(company, decision = 'allow', on = page) {
  await on.waitForURL(/connect\/oauth2/);
  const realm = await on.locator(`option[data-key="${company}"]`).getAttribute('value');
  await on.selectOption('select[name=realm]', realm);
  await on.click(`button[value=${decision}]`);
  await on.waitForURL(`${address}/**`);
}

const press = (name, on = page) => on.getByRole('button', { name }).first().click();

/* '-1234.5' of the ledger as the page writes it. */
function written(amount) {
  const text = Math.abs(Number(amount)).toLocaleString('en-US', { minimumFractionDigits: 2 });
  return Number(amount) < 0 ? `\u2212${text}` : text;
}

/* The cells of the statement's line, by the month's heading. */
async function line(label) {
  const heads = await page.locator('.statement thead th').allInnerTexts();
  const row = page.locator('.statement tbody tr').filter({ has: page.locator(`th:text-is("${label}")`) }).last();
  const cells = await row.locator('td').allInnerTexts();
  return Object.fromEntries(cells.map((cell, i) => [heads[i + 1].split('\n')[0], cell]));
}

async function sumOfLedger(month, accounts) {
  const { rows } = await quickbooks('truth', { company: 'reef', statement: 'profit_and_loss', start: `${month}-01`, end: `${month}-28` });
  return rows.filter(({ account_id: id }) => accounts.has(id)).reduce((sum, { amount }) => sum + Math.round(Number(amount) * 100), 0) / 100;
}

before(async () => {
  browser = await launch();
  page = await newPage();
  context = page.context();
});

after(() => browser?.close());

test('the first page says that there is nothing, and how to begin', async () => {
  const answer = await page.goto(address);
  const policy = answer.headers()['content-security-policy'];
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'self'(;|$)/);
  assert.doesNotMatch(policy, /unsafe/);
  await sees('There are no models yet');
  await isAccessible();
});

test('a model is made, and offers to connect QuickBooks', async () => {
  await page.getByLabel('Name').fill('Reef forecast');
  await press('Make it');
  await page.waitForURL(/\/models\/\d+$/);
  model = page.url();
  await sees('Reef forecast', 'No QuickBooks company', 'Connect QuickBooks');
  await isAccessible();
});

test('a user who says no at Intuit reads that, and can begin again', async () => {
  await press(/^Connect QuickBooks/);
  await signIn('reef', 'deny');
  await sees('The sign-in was not completed', 'did not allow');
  await isAccessible();
});

test('a user who signs in comes back to the company and confirms it', async () => {
  await press('Sign in again');
  await signIn('reef');
  await sees('Reef Trading Ltd is connected', 'USD', 'January', 'Import its figures');
  await keep('2-confirmation');
  await isAccessible();
});

test('the callback page of another browser is refused', async () => {
  const other = await newPage();
  await other.goto(`${address}/`);
  const begun = page.waitForRequest(/connect\/oauth2\?/);
  await page.goto(model);
  await page.getByText('Add an entity').click();
  await page.getByLabel('Name').fill('Northern division');
  await press('Add');
  await press('Connect QuickBooks: Northern division');
  const asked = new URL((await begun).url());
  await other.goto(`${address}/quickbooks/callback?state=${asked.searchParams.get('state')}&code=XAB1&realmId=9341452837465101`);
  assert.match(await other.locator('main').innerText(), /begun in another session/);
  await other.context().close();
  await page.goto(model);
});

test('figures are imported with a bar that moves', async () => {
  await quickbooks('fault', { kind: 'hold', company: 'reef', endpoint: 'ProfitAndLoss', start_date: '2024-12-01' });
  await page.getByLabel('From').fill('2023-12');
  await page.getByLabel('Until').fill('2026-11');
  await press(/^Import$/);
  await page.waitForURL(/requests\/\d+$/);
  await page.waitForFunction(() => document.querySelector('progress')?.max === 3);
  await page.getByText('Running').waitFor();
  await sees('of 3 parts stored', 'You can leave this page');
  await keep('3-import');
  await isAccessible();
  await quickbooks('release');
  await page.getByText('Look at the profit and loss').waitFor();
  await sees('Done');
});

test('the profit and loss is the ledger\u2019s, to the cent, and drawn', async () => {
  await page.getByText('Look at the profit and loss').click();
  await page.waitForURL(/profit-and-loss/);
  await page.getByLabel('From').fill('2026-06');
  await press('Show');
  const { accounts } = await quickbooks('accounts', { company: 'reef' });
  const income = new Set(accounts.filter(({ type }) => type === 'Income').map(({ id }) => id));
  const total = await line('Total Income');
  for (const [month, head] of [['2026-08', 'Aug 2026'], ['2026-09', 'Sep 2026'], ['2026-10', 'Oct 2026']])
    assert.equal(total[head], written(await sumOfLedger(month, income)), head);
  assert.equal((await line('Net Income'))['Oct 2026'], '8,712.81');
  assert.equal(await page.locator('svg.plot rect').count(), 12);
  await keep('4-profit-and-loss');
  await isAccessible();
});

test('the balance sheet balances on the page', async () => {
  await page.getByRole('link', { name: 'Balance sheet' }).click();
  await page.waitForURL(/balance-sheet/);
  const assets = await line('Total Assets');
  assert.deepEqual(await line('Total Liabilities and Equity'), assets);
  assert.equal(Object.keys(assets).length, 6);
  await isAccessible();
});

test('the chart of accounts is mapped: proposals first, then one by hand', async () => {
  await page.goto(model);
  await page.getByRole('navigation', { name: 'Model' }).getByText('Chart of accounts').click();
  await sees('can be mapped by type and name');
  await keep('5-accounts');
  await isAccessible();
  await press(/^Accept/);
  await sees('are mapped as proposed', 'Mapped');
  await page.getByRole('link', { name: /^Costs/ }).click();
  await page.getByLabel('Category of Rent', { exact: true }).fill('Premises');
  await press('Save these accounts');
  await sees('One account was saved.');
  assert.equal(await page.getByLabel('Category of Rent', { exact: true }).inputValue(), 'Premises');
});

test('a type that does not fit is refused in words, and nothing is saved', async () => {
  await page.getByLabel('Type of Rent', { exact: true }).evaluate((select) => { select.options[0].value = 'Asset'; select.selectedIndex = 0; });
  await press('Save these accounts');
  await sees('That cannot be', 'cannot be of type "Asset"');
});

test('a webhook brings a restated figure to a page that is open', async () => {
  await page.goto(`${model}/changes`);
  await sees('Nothing was restated');
  const { accounts } = await quickbooks('accounts', { company: 'reef' });
  const id = (name, type) => accounts.find((account) => account.name === name && account.type === type).id;
  await pass(600);
  await quickbooks('post', { company: 'reef', date: '2026-09-15', memo: 'late invoice', lines: [
    { account: id('Insurance', 'Expense'), amount: '1250.00' }, { account: id('Main Bank', 'Bank'), amount: '-1250.00' }] });
  const { statuses } = await quickbooks('webhook', { company: 'reef', url: `${address}/quickbooks/webhook` });
  assert.deepEqual(statuses, [200]);
  const forged = await quickbooks('webhook', { company: 'reef', url: `${address}/quickbooks/webhook`, verifier: 'another' });
  assert.deepEqual(forged.statuses, [401]);
  await pass(180);
  await page.getByText('Show it').click();
  await sees('Insurance', 'Sep 2026', '1,448.49', '2,698.49', '1,250.00');
  await keep('6-restated');
  await isAccessible();
});

test('a second company in a branch, refused where it is the wrong one', async () => {
  await page.goto(model);
  await press('Connect QuickBooks: Northern division');
  await signIn('reef');
  await sees('That is another company', 'connected to branch "Reef forecast"');
  await isAccessible();
  await press('Sign in again');
  await signIn('atoll');
  await sees('Atoll Holdings Inc. is connected');
  await page.getByLabel('From').fill('2026-01');
  await page.getByLabel('Until').fill('2026-10');
  await press('Import its figures');
  await page.getByText('Look at the profit and loss').click();
  await page.getByLabel('Until').fill('2026-10');
  await page.getByLabel('From').fill('2026-08');
  await press('Show');
  await sees('All companies, consolidated', 'Reef Trading Ltd', 'Atoll Holdings Inc.');
});

test('a grant that ends at Intuit is told in words, and another company does not renew it', async () => {
  await quickbooks('revoke_grant', { company: 'reef' });
  await page.goto(model);
  await press('Look for changes now');
  await page.getByText('Back to the overview').waitFor();
  await page.waitForFunction(() => !document.querySelector('[data-request]'));
  await page.goto(model);
  await sees('disconnected in QuickBooks', 'Connect again.', 'Reconnect QuickBooks');
  await keep('7-reconnect');
  await isAccessible();
  await press('Reconnect QuickBooks: Reef forecast');
  await signIn('lagoon');
  await sees('That is another company', 'Reef Trading Ltd', 'Lagoon Resorts LLC');
  await press('Sign in again');
  await signIn('reef');
  await sees('Reef Trading Ltd is connected');
  await page.goto(`${model}/statements/balance-sheet`);
  assert.ok((await page.locator('.statement tbody tr').count()) > 20, 'the figures are still there');
});

test('an overview of all, as one would show it', async () => {
  await page.goto(address);
  await sees('Reef forecast', 'Atoll Holdings Inc., Reef Trading Ltd', 'Connected');
  await page.goto(model);
  await keep('1-overview');
});

test('a company is disconnected after a question, and its figures stay', async () => {
  await page.getByRole('link', { name: 'Disconnect Atoll Holdings Inc.' }).click();
  await sees('Disconnect Atoll Holdings Inc.?');
  await isAccessible();
  await press('Disconnect');
  await sees('Atoll Holdings Inc. is disconnected', 'Disconnected', 'Reconnect QuickBooks');
});

test('forms of other sites are refused, and so is what is not there', async () => {
  const forged = await page.request.post(`${model}/refreshes`, { form: { token: 'guessed' } });
  assert.equal(forged.status(), 403);
  assert.equal((await page.request.get(`${address}/models/999`)).status(), 404);
  assert.equal((await page.request.get(`${model}/statements/profit-and-loss?from=soon`)).status(), 400);
});

test('everything is there on a phone', async () => {
  const phone = await newPage({ viewport: { width: 375, height: 760 }, deviceScaleFactor: 2 });
  for (const path of ['', '/statements/profit-and-loss', '/statements/balance-sheet', '/changes']) {
    await phone.goto(model + path);
    assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} is no wider than the phone`);
    await isAccessible(phone);
  }
  await phone.goto(`${model}/statements/profit-and-loss`);
  await keep('8-phone', phone);
  await phone.goto(model);
  await phone.getByRole('link', { name: 'Chart of accounts' }).first().click();
  assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the chart is no wider than the phone');
  await phone.context().close();
});

test('it works without JavaScript, and looks well in the dark', async () => {
  const plain = await newPage({ javaScriptEnabled: false, colorScheme: 'dark' });
  await plain.goto(address);
  await plain.getByLabel('Name').fill('Plain');
  await press('Make it', plain);
  await press(/^Connect QuickBooks/, plain);
  await signIn('atoll', 'allow', plain);
  await plain.getByLabel('From').fill('2026-01');
  await plain.getByLabel('Until').fill('2026-10');
  await press('Import its figures', plain);
  await plain.getByText('Look at the profit and loss').waitFor();
  await plain.getByText('Look at the profit and loss').click();
  assert.match(await plain.locator('.statement').innerText(), /Net Income/);
  await plain.screenshot({ path: `${screens}/9-dark.png` });
  await plain.context().close();
});

test('no page has complained, and no secret is in the browser', async () => {
  // pages that refuse say so with a status, which the browser notes
  assert.deepEqual(complaints.filter((text) => !/status of 4\d\d/.test(text)), []);
  const cookies = await context.cookies(address);
  assert.deepEqual(cookies.map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]), [['panel', true, 'Lax']]);
  const html = await (await page.request.get(model)).text();
  assert.doesNotMatch(html, /prod-secret|9341452837465101|XAB1/);
});
