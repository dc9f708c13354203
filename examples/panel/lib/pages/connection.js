/* After a sign-in, and before a disconnect. */
import { day } from '../format.js';
import { html } from '../html.js';
import { importForm } from './model.js';
import { field, layout } from './layout.js';

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

export const facts = (branch) => html`<dl class="facts">
<div><dt>Company</dt><dd>${branch.company}</dd></div>
<div><dt>Home currency</dt><dd>${branch.home_currency ?? '–'}</dd></div>
<div><dt>Fiscal year begins</dt><dd>${MONTHS[branch.fiscal_year_start_month - 1] ?? '–'}</dd></div>
<div><dt>Books closed until</dt><dd>${day(branch.book_close_date) || 'Open'}</dd></div>
</dl>`;

export function connectedPage(request, until) {
  const { branch, model } = request;
  return layout(request, `${branch.company} is connected`, html`
<section class="card narrow">
<p class="done" aria-hidden="true">✓</p>
<h1>${branch.company} is connected</h1>
<p>Is this the company that ${branch.name} should show? Then bring its figures in.</p>
${facts(branch)}
${importForm(request, [branch], until, 'Import its figures')}
<details><summary>This is the wrong company</summary>
<p>Disconnect it, and connect again with the right one.</p>
<a class="button" href="/models/${model.model_id}/branches/${branch.branch_id}/disconnect">Disconnect</a></details>
</section>`, { tab: 'overview' });
}

export function disconnectPage(request) {
  const { branch, model } = request;
  return layout(request, `Disconnect ${branch.company}`, html`
<section class="card narrow">
<h1>Disconnect ${branch.company}?</h1>
<p>This app can no longer read the company, and QuickBooks is told so. The figures that are here stay, with their mapping.
You can connect the same company again at any time.</p>
<div class="actions">
<form method="post" action="/models/${model.model_id}/branches/${branch.branch_id}/disconnect">${field(request)}<button class="danger">Disconnect</button></form>
<a class="button" href="/models/${model.model_id}">Keep it</a>
</div>
</section>`, { tab: 'overview' });
}
