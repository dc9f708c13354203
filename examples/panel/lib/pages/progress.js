/* A request as a line with its state and a bar; panel.js moves the bar. */
import { count, month, time } from '../format.js';
import { html } from '../html.js';

const STATES = { queued: 'Waiting', running: 'Running', succeeded: 'Done', failed: 'Failed', cancelled: 'Cancelled' };
const KINDS = { queued: 'quiet', running: 'info', succeeded: 'good', failed: 'bad', cancelled: 'quiet' };

export const isOpen = ({ state }) => state === 'queued' || state === 'running';

export const what = (request) =>
  request.kind === 'import'
    ? `Import of ${month(request.start_date)} to ${month(request.end_date)}, ${request.accounting_method.toLowerCase()}`
    : 'Refresh';

export const stateBadge = ({ state }) => html`<span class="badge ${KINDS[state]}">${STATES[state]}</span>`;

export function bar(request) {
  const total = Number(request.chunks_total);
  const words = total ? `${request.chunks_done} of ${count(total, 'part')} stored` : 'Beginning';
  return html`<div class="bar" data-request="${request.request_id}" data-state="${request.state}">
<progress aria-label="${what(request)}"${total ? html` value="${request.chunks_done}" max="${total}"` : ''}></progress>
<span class="bar-words">${words}</span>
</div>`;
}

export const requestLine = (modelId, request) => html`<li>
<div class="model-line"><a href="/models/${modelId}/requests/${request.request_id}">${what(request)}</a>${stateBadge(request)}</div>
${isOpen(request) ? bar(request) : html`<p class="fine">${time(request.finished_at)}</p>`}
</li>`;
