/* Something went wrong: what, in the user's words, and what to do. */
import { html } from '../html.js';
import { field, layout } from './layout.js';

export function errorPage(request, words, signIn) {
  return layout({ ...request, session: request.session, model: null }, words.title, html`
<section class="card narrow trouble">
<h1>${words.title}</h1>
<p>${words.text}</p>
${words.action && html`<p><strong>${words.action}</strong></p>`}
<div class="actions">
${signIn && html`<form method="post" action="/models/${signIn.modelId}/branches/${signIn.branchId}/connect">${field(request)}<button class="quickbooks">Sign in again</button></form>
<a class="button" href="/models/${signIn.modelId}">Back to the model</a>`}
${!signIn && html`<a class="button" href="/">To the models</a>`}
</div>
${words.support && html`<p class="fine">For support: ${words.support}</p>`}
</section>`);
}
