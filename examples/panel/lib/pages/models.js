/* The first page: all models, and how each stands. */
import { count, time } from '../format.js';
import { html } from '../html.js';
import { field, layout } from './layout.js';

function state(model) {
  if (!model.companies) return html`<span class="badge quiet">Not connected</span>`;
  if (model.in_need) return html`<span class="badge bad">Needs you</span>`;
  if (model.days !== null && model.days <= 30) return html`<span class="badge warn">Sign-in ends in ${count(model.days, 'day')}</span>`;
  return html`<span class="badge good">Connected</span>`;
}

const card = (model) => html`<li class="card model">
<div class="model-line"><h2><a href="/models/${model.model_id}">${model.name}</a></h2>${state(model)}</div>
<p>${model.company_names ?? 'No QuickBooks company yet'}</p>
${model.user_message && html`<p class="warn-text">${model.user_message}</p>`}
<p class="fine">${model.data_as_of ? html`Figures as of ${time(model.data_as_of)}` : 'No figures yet'}</p>
</li>`;

export function modelsPage(request, models) {
  return layout(request, 'Models', html`
<div class="page-head"><h1>Models</h1><p class="lead">Each model has the books of one company, or of a group.</p></div>
${models.length ? html`<ul class="cards">${models.map(card)}</ul>` : html`<p class="empty">There are no models yet. Make the first one.</p>`}
<section class="card narrow" aria-labelledby="new">
<h2 id="new">New model</h2>
<form method="post" action="/models" class="stack">${field(request)}
<label>Name <input name="name" required maxlength="200" autocomplete="off"></label>
<label class="check"><input type="checkbox" name="training" value="1"> For training, with a test company of Intuit's</label>
<div class="actions"><button class="primary">Make it</button></div>
</form>
</section>`);
}
