/* A statement by month: a plot, and the table that QuickBooks prints. */
import { money, month } from '../format.js';
import { html } from '../html.js';
import { plot } from '../plot.js';
import { layout } from './layout.js';

const TITLES = { 'profit-and-loss': 'Profit and loss', 'balance-sheet': 'Balance sheet' };

/* Rows of line and period, as a table: its periods, and its lines with an amount for each. */
function table(rows) {
  const periods = [...new Map(rows.map((row) => [row.period_start, row])).values()].sort((a, b) => (a.period_start < b.period_start ? -1 : 1));
  const lines = new Map();
  for (const row of rows) {
    const line = lines.get(row.line) ?? { ...row, amounts: new Map() };
    line.amounts.set(row.period_start, row.amount);
    lines.set(row.line, line);
  }
  return { periods, lines: [...lines.values()].sort((a, b) => a.line - b.line), currency: rows.find(({ currency }) => currency)?.currency };
}

const heading = (period, frequency) => html`<th scope="col" class="amount">${frequency === 'month' ? month(period.period_start) : period.period}${period.is_provisional && html`<span class="fine">so far</span>`}</th>`;

function line(one, periods) {
  const label = one.label.trim();
  const kind = one.kind === 'total' && one.depth === 0 ? 'total grand' : one.kind;
  return html`<tr class="${kind}"><th scope="row" class="indent-${Math.min(one.depth, 6)}">${label}</th>${one.kind === 'section'
    ? html`<td colspan="${periods.length}"></td>`
    : periods.map((period) => html`<td class="amount${(one.amounts.get(period.period_start) ?? '').startsWith('-') && html` negative`}">${money(one.amounts.get(period.period_start))}</td>`)}</tr>`;
}

function form(name, { chosen, connected, months }) {
  const option = (value, label, current) => html`<option value="${value}"${value === current && html` selected`}>${label}</option>`;
  return html`<form method="get" class="row filter" aria-label="What to show">
${connected.length > 1 && html`<label>Of <select name="entity">${option('', 'All companies, consolidated', chosen.entity)}${connected.map((branch) => option(branch.branch_id, branch.name, chosen.entity))}</select></label>`}
<label>From <input type="month" name="from" value="${chosen.from}" min="${months.first.slice(0, 7)}" max="${months.last.slice(0, 7)}" required pattern="\\d{4}-\\d{2}"></label>
<label>Until <input type="month" name="until" value="${chosen.until}" min="${months.first.slice(0, 7)}" max="${months.last.slice(0, 7)}" required pattern="\\d{4}-\\d{2}"></label>
<label>By <select name="frequency">${option('month', 'Month', chosen.frequency)}${option('quarter', 'Quarter', chosen.frequency)}${option('year', 'Year', chosen.frequency)}</select></label>
${months.has_accrual && months.has_cash && html`<label>Method <select name="method">${option('Accrual', 'Accrual', chosen.method)}${option('Cash', 'Cash', chosen.method)}</select></label>`}
<button>Show</button>
</form>`;
}

export function statementPage(request, name, given) {
  const { rows, chosen, kind } = given;
  const title = TITLES[name];
  const base = `/models/${request.model.model_id}`;
  const head = html`<div class="page-head"><h1>${title}</h1></div>`;
  if (!chosen) return layout(request, title, html`${head}<p class="empty">Connect a company and import its figures first.</p>`, { tab: name });
  const { periods, lines, currency } = table(rows);
  const who = chosen.branch ? given.connected.find((branch) => branch.branch_id === chosen.entity).company : 'All companies, consolidated';
  return layout(request, title, html`
<div class="page-head"><h1>${title}</h1><p class="lead">${who}, in ${currency ?? 'its currency'}, ${chosen.method.toLowerCase()}. ${chosen.branch ? 'To the cent as QuickBooks prints it.' : 'Each company is to the cent what QuickBooks prints.'}</p></div>
${form(name, given)}
${!periods.length && html`<p class="empty">These months were not imported for every company.</p>`}
${periods.length > 0 && html`<figure class="card">${plot(kind, periods, lines, currency)}</figure>
<div class="card flush scroll" tabindex="0" role="region" aria-label="${title} by ${chosen.frequency}">
<table class="statement"><caption class="visually-hidden">${title} of ${who}</caption>
<thead><tr><th scope="col">${currency}</th>${periods.map((period) => heading(period, chosen.frequency))}</tr></thead>
<tbody>${lines.map((one) => line(one, periods))}</tbody></table></div>`}`,
  { follow: `${base}/events`, tab: name });
}
