/* What has changed in months that had been imported already. */
import { money, month, time } from '../format.js';
import { html } from '../html.js';
import { layout } from './layout.js';

const NAMES = { profit_and_loss: 'Profit and loss', balance_sheet: 'Balance sheet' };

const row = (change) => html`<tr>
<th scope="row" class="account">${change.account}<span class="fine">${change.company} · ${NAMES[change.statement]}, ${change.accounting_method.toLowerCase()}</span></th>
<td data-label="Month">${month(change.period_start)}${change.in_closed_period && html` <span class="badge warn">Closed books</span>`}</td>
<td class="amount" data-label="Was">${money(change.old_amount)}</td>
<td class="amount" data-label="Is">${money(change.new_amount)}</td>
<td class="amount" data-label="Difference">${money(change.difference)} <span class="fine">${change.currency}</span></td>
<td data-label="Noticed">${time(change.restated_at)}</td>
</tr>`;

export function changesPage(request, changes) {
  const base = `/models/${request.model.model_id}`;
  return layout(request, 'What was restated', html`
<div class="page-head"><h1>What was restated</h1>
<p class="lead">Figures that somebody has changed in QuickBooks after they had been imported: what they were, what they are.</p></div>
${changes.length ? html`<div class="card flush"><table class="changes"><caption class="visually-hidden">Changes, the latest first</caption>
<thead><tr><th scope="col">Account</th><th scope="col">Month</th><th scope="col" class="amount">Was</th><th scope="col" class="amount">Is</th><th scope="col" class="amount">Difference</th><th scope="col">Noticed</th></tr></thead>
<tbody>${changes.map(row)}</tbody></table></div>` : html`<p class="empty">Nothing was restated. What was imported still stands as it was.</p>`}`,
  { follow: `${base}/events`, tab: 'changes' });
}
