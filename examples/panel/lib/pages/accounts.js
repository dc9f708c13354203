/* The chart of accounts of one company, and what each account is in the model. */
import { count } from '../format.js';
import { html } from '../html.js';
import { field, layout } from './layout.js';

const GROUPS = [['Revenue', 'Income'], ['Expense', 'Costs'], ['Asset', 'Assets'], ['Liability', 'Liabilities'], ['Equity', 'Equity']];
const INCOME_TYPES = ['Revenue', 'COGS', 'Opex', 'Staff', 'Tax'];
const BALANCE_TYPES = ['Asset', 'Liability', 'Equity', 'Tax', 'Dividend'];

const typesOf = ({ classification }) => (['Revenue', 'Expense'].includes(classification) ? INCOME_TYPES : BALANCE_TYPES);

function row(account) {
  const id = account.account_id;
  const mapped = account.variable_type !== null;
  const [type, category, subcategory] = mapped
    ? [account.variable_type, account.category, account.subcategory]
    : [account.proposed_type, account.proposed_category, account.proposed_subcategory];
  const was = mapped ? JSON.stringify([type, category, subcategory]) : '';
  return html`<tr>
<th scope="row" class="account"><span class="number">${account.account_number}</span> ${account.fully_qualified_name}
<span class="fine">${account.account_type}</span>${!account.is_active && html` <span class="badge quiet">Inactive</span>`}</th>
<td data-label="Type"><input type="hidden" name="was:${id}" value="${was}">
<select name="type:${id}" aria-label="Type of ${account.name}">${!type && html`<option value="">–</option>`}${typesOf(account).map((one) =>
    html`<option${one === type && html` selected`}>${one}</option>`)}</select></td>
<td data-label="Category"><input name="category:${id}" value="${category}" aria-label="Category of ${account.name}"></td>
<td data-label="Subcategory"><input name="subcategory:${id}" value="${subcategory}" aria-label="Subcategory of ${account.name}"></td>
<td data-label="State">${mapped ? html`<span class="badge good">Mapped</span>` : html`<span class="badge ${account.confidence === 'guess' ? 'warn' : 'info'}" title="${account.reason}">${account.confidence === 'guess' ? 'A guess' : 'Proposed'}</span>`}</td>
</tr>`;
}

const groupsOf = (accounts) => GROUPS.map(([key, label]) => ({ key, label, accounts: accounts.filter(({ classification }) => classification === key) }))
  .filter(({ accounts: some }) => some.length);

/* Of a group, the way to the other companies' charts. */
function others({ branches, branch, model }) {
  const connected = branches.filter(({ connection_id }) => connection_id);
  return connected.length > 1 && html`<nav class="actions companies" aria-label="Companies">${connected.map((one) =>
    html`<a class="button${one === branch && html` primary`}" href="/models/${model.model_id}/branches/${one.branch_id}/accounts"${one === branch && html` aria-current="page"`}>${one.company}</a>`)}</nav>`;
}

export function accountsPage(request, accounts) {
  const { branch, model } = request;
  const groups = groupsOf(accounts);
  const shown = groups.find(({ key }) => key === request.query.group) ?? groups[0];
  const proposed = accounts.filter(({ variable_type, confidence }) => variable_type === null && confidence && confidence !== 'guess').length;
  const here = `/models/${model.model_id}/branches/${branch.branch_id}/accounts`;
  return layout(request, 'Chart of accounts', html`
<div class="page-head"><h1>Chart of accounts</h1>
<p class="lead">${branch.company ?? branch.name}: ${count(accounts.length, 'account')}. Say once what each is in your model; it stays so whatever QuickBooks renames.</p></div>
${others(request)}
${!accounts.length && html`<p class="empty">The chart comes with the first import.</p>`}
${proposed > 0 && html`<form method="post" action="${here}" class="banner">${field(request)}<input type="hidden" name="accept" value="1"><input type="hidden" name="group" value="${shown?.key}">
<p>${count(proposed, 'account')} can be mapped by type and name. You can change each later.</p><button class="primary">Accept ${count(proposed, 'proposal')}</button></form>`}
${shown && html`<nav class="tabs small" aria-label="Accounts">${groups.map(({ key, label, accounts: some }) =>
    html`<a href="${here}?group=${key}"${key === shown.key && html` aria-current="page"`}>${label} <span class="fine">${some.length}</span></a>`)}</nav>
<form method="post" action="${here}" class="card flush">${field(request)}<input type="hidden" name="group" value="${shown.key}">
<table class="mapping"><caption class="visually-hidden">${shown.label} and their mapping</caption>
<thead><tr><th scope="col">Account</th><th scope="col">Type</th><th scope="col">Category</th><th scope="col">Subcategory</th><th scope="col">State</th></tr></thead>
<tbody>${shown.accounts.map(row)}</tbody></table>
<div class="actions sticky"><button class="primary">Save these accounts</button></div>
</form>`}`, { tab: 'accounts' });
}
