/*
 * What happens in the database, passed on to the pages that are open: one connection LISTENs, and each page has a stream
 * of server-sent events. Anybody who may connect to a database may notify, so a notification is only a reason to look.
 */
import pg from 'pg';

const AGAIN_AFTER = 2000; // milliseconds, when the listening connection is lost
const GATHER_FOR = 150;
const HEARTBEAT = 25000;

export class Events {
  constructor(settings, database) {
    this.settings = settings;
    this.database = database;
    this.pages = new Map(); // model id: set of responses
    this.due = new Map(); // model id: timer
  }

  async start() {
    this.stopped = false;
    this.client = new pg.Client({ connectionString: this.settings.listenDatabase, application_name: 'panel_events', keepAlive: true });
    this.client.on('error', () => this.#lost());
    this.client.on('end', () => this.#lost());
    this.client.on('notification', ({ payload }) => this.#heard(payload));
    await this.client.connect();
    await this.client.query('LISTEN reefqbo');
    this.heartbeat ??= setInterval(() => this.#beat(), HEARTBEAT).unref();
    // what was told while nobody listened
    for (const modelId of this.pages.keys()) this.#look(modelId);
  }

  stop() {
    this.stopped = true;
    clearInterval(this.heartbeat);
    for (const { timer } of this.due.values()) clearTimeout(timer);
    for (const responses of this.pages.values()) for (const response of responses) response.end();
    this.client.end().catch(() => {});
  }

  #lost() {
    if (this.stopped || this.restarting) return;
    this.restarting = setTimeout(() => {
      this.restarting = null;
      this.start().catch(() => this.#lost());
    }, AGAIN_AFTER);
  }

  #heard(payload) {
    try {
      const { event, model_id: modelId } = JSON.parse(payload);
      if (this.pages.has(String(modelId))) this.#look(String(modelId), event);
    } catch {
      // not one of reefqbo's
    }
  }

  /* Looks into the tables soon: a burst of notifications is one look. */
  #look(modelId, event) {
    const looking = this.due.get(modelId) ?? { events: new Set() };
    if (event) looking.events.add(event);
    looking.timer ??= setTimeout(() => {
      this.due.delete(modelId);
      this.#tell(modelId, looking.events).catch((error) => console.error(`events: ${error.message}`));
    }, GATHER_FOR);
    this.due.set(modelId, looking);
  }

  async #tell(modelId, events) {
    const requests = await this.database.requests(modelId);
    for (const response of this.pages.get(modelId) ?? []) {
      send(response, 'requests', requests.map(({ request_id, state, chunks_done, chunks_total, message }) =>
        ({ id: request_id, state, done: chunks_done, total: chunks_total, message })));
      const news = [...events].filter((event) => NEWS.has(event));
      if (news.length) send(response, 'news', news);
    }
  }

  #beat() {
    for (const responses of this.pages.values()) for (const response of responses) response.write(':\n\n');
  }

  /* Keeps a page's stream until the browser leaves, and begins with how things stand. */
  follow(modelId, request, response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
    response.write('retry: 3000\n\n');
    const responses = this.pages.get(modelId) ?? new Set();
    this.pages.set(modelId, responses.add(response));
    request.on('close', () => {
      responses.delete(response);
      if (!responses.size) this.pages.delete(modelId);
    });
    this.#look(modelId);
  }
}

// after which a page that is open is out of date
const NEWS = new Set(['connected', 'disconnected', 'reconnect_required', 'suspended', 'figures_changed', 'accounts_changed', 'closed_period_changed']);

function send(response, event, value) {
  response.write(`event: ${event}\ndata: ${JSON.stringify(value)}\n\n`);
}
