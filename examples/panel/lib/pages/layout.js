/* What every page has around it. */
import { html } from '../html.js';
import { takeFlash } from '../session.js';

export const field = (request) => html`<input type="hidden" name="token" value="${request.session?.token}">`;

/* layout(request, title, body, { wide, follow, reload }): follow is the address of the events that the page looks out for. */
export function layout(request, title, body, { follow, reload, tab } = {}) {
  const message = request.session ? takeFlash(request) : null;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Reef</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/panel.css">
<script src="/static/panel.js" type="module"></script>
${reload && html`<noscript><meta http-equiv="refresh" content="${reload}"></noscript>`}
</head>
<body${follow && html` data-follow="${follow}"`}>
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><div class="top-inner">
<a class="brand" href="/"><svg viewBox="0 0 32 32" aria-hidden="true"><path d="M4 22c4 0 4-4 8-4s4 4 8 4 4-4 8-4"/><path d="M4 15c4 0 4-4 8-4s4 4 8 4 4-4 8-4"/></svg>Reef</a>
<nav aria-label="Site"><a href="/">Models</a></nav>
</div></header>
<main id="main">
<div id="news" class="news" role="status" aria-live="polite"></div>
${message && html`<p class="flash ${message.kind}" role="status">${message.text}</p>`}
${request.model && tabs(request, tab)}
${body}
</main>
<footer class="foot">Read only: nothing is ever written to QuickBooks. QuickBooks is a trademark of Intuit Inc.</footer>
</body>
</html>`;
}

const TABS = [
  ['overview', 'Overview', ''],
  ['accounts', 'Chart of accounts', '/accounts'],
  ['profit-and-loss', 'Profit and loss', '/statements/profit-and-loss'],
  ['balance-sheet', 'Balance sheet', '/statements/balance-sheet'],
  ['changes', 'What was restated', '/changes'],
];

/* A model's name and the ways to its pages. */
function tabs({ model }, current) {
  const base = `/models/${model.model_id}`;
  return html`<div class="model-head">
<p class="crumbs"><a href="/">Models</a> <span aria-hidden="true">›</span></p>
<p class="model-name">${model.title ?? model.name}${model.purpose === 'training' && html` <span class="badge quiet">Training</span>`}</p>
<nav class="tabs" aria-label="Model">${TABS.map(([key, label, path]) =>
    html`<a href="${base}${path}"${current === key && html` aria-current="page"`}>${label}</a>`)}</nav>
</div>`;
}
