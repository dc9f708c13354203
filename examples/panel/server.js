/* Starts the panel: settings from the environment, the database, the address that it listens at. */
import { makeApp } from './lib/app.js';
import { Database } from './lib/database.js';
import { Events } from './lib/events.js';
import { readSettings } from './lib/settings.js';

const settings = readSettings(process.env);
const database = new Database(settings);
const events = new Events(settings, database);
await events.start();
const app = await makeApp(settings, database, events);
const server = app.listen(settings.port, settings.host, (error) => {
  if (error) throw error;
  console.log(`The panel is at ${settings.url}`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    server.close();
    events.stop();
    server.closeAllConnections();
    await database.end();
    process.exit(0);
  });
}
