/*
 * What a page does more with JavaScript: bars move, and a page says when it is out of date. Without it the pages of what
 * is under way load themselves again.
 */
const { follow } = document.body.dataset;

/* The bars of the page by request; one whose request has begun or ended has the page loaded again, which says how. */
function showRequests(requests) {
  for (const bar of document.querySelectorAll('[data-request]')) {
    const request = requests.find(({ id }) => String(id) === bar.dataset.request);
    if (!request) continue;
    if (request.state !== bar.dataset.state) {
      location.reload();
      return;
    }
    const { done, total } = request;
    if (!total) continue;
    const progress = bar.querySelector('progress');
    progress.max = total;
    progress.value = done;
    bar.querySelector('.bar-words').textContent = `${done} of ${total} ${total === 1 ? 'part' : 'parts'} stored`;
  }
}

const WORDS = {
  figures_changed: 'New figures have arrived.',
  closed_period_changed: 'Figures of closed books have changed.',
  accounts_changed: 'The chart of accounts has changed.',
  reconnect_required: 'QuickBooks has to be connected again.',
};

function showNews(events) {
  const news = document.getElementById('news');
  if (document.querySelector('[data-request]')) return; // loads itself again
  const words = events.map((event) => WORDS[event]).find(Boolean) ?? 'Something has changed.';
  const link = Object.assign(document.createElement('a'), { href: location.href, textContent: 'Show it' });
  news.replaceChildren(`${words} `, link);
}

if (follow) {
  const stream = new EventSource(follow);
  stream.addEventListener('requests', (event) => showRequests(JSON.parse(event.data)));
  stream.addEventListener('news', (event) => showNews(JSON.parse(event.data)));
  addEventListener('pagehide', () => stream.close());
  addEventListener('pageshow', (event) => event.persisted && location.reload());
}
