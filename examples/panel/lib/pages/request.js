/* One import: how far it is, or how it ended. */
import { inUsersWords } from '../errors.js';
import { html } from '../html.js';
import { field, layout } from './layout.js';
import { bar, isOpen, stateBadge, what } from './progress.js';

function underWay(request, work) {
  return html`${bar(work)}
<p>${work.state === 'queued' && work.not_before && work.sqlstate
    ? 'QuickBooks could not answer. It is tried again by itself.'
    : 'You can leave this page: the import goes on by itself.'}</p>
<form method="post" action="/models/${request.model.model_id}/requests/${work.request_id}/cancel">${field(request)}<button>Cancel</button></form>`;
}

function failed(work) {
  const words = inUsersWords({ code: work.sqlstate, message: work.message ?? '' });
  return html`<p class="warn-text"><strong>${words.title}.</strong> ${words.text} ${words.action}</p><p class="fine">For support: ${work.sqlstate}</p>`;
}

const ENDED = {
  succeeded: () => html`<p>Every figure was held against QuickBooks' own totals before it was stored.</p>`,
  cancelled: () => html`<p>What was stored until then stays.</p>`,
  failed,
};

export function requestPage(request, work) {
  const base = `/models/${request.model.model_id}`;
  return layout(request, what(work), html`
<section class="card narrow">
<div class="model-line"><h1>${what(work)}</h1>${stateBadge(work)}</div>
${isOpen(work) ? underWay(request, work) : ENDED[work.state](work)}
<div class="actions">
${work.state === 'succeeded' && html`<a class="button primary" href="${base}/statements/profit-and-loss">Look at the profit and loss</a>`}
<a class="button" href="${base}">Back to the overview</a>
</div>
</section>`, isOpen(work) ? { follow: `${base}/events`, reload: 3, tab: 'overview' } : { tab: 'overview' });
}
