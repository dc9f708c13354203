/* The application: what holds for every request, and where its pages are. */
import express from 'express';
import helmet from 'helmet';
import { fileURLToPath } from 'node:url';
import { inUsersWords, Refusal } from './errors.js';
import { errorPage } from './pages/error.js';
import { routes } from './routes.js';
import { formToken, sessions } from './session.js';

const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));

export async function makeApp(settings, database, events) {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use(helmet(await headers(settings, database)));
  app.use('/static', express.static(pathOf('../public'), { maxAge: '1h' }));
  app.use('/static/fonts', express.static(pathOf('../node_modules/@fontsource-variable/inter/files'), { maxAge: '30d', immutable: true }));
  webhook(app, database);
  app.use(sessions(settings, database.pool));
  app.use(express.urlencoded({ extended: false, limit: '1mb', parameterLimit: 20000 }));
  app.use(formToken);
  app.use(noStore);
  app.use(routes(settings, database, events));
  app.use(() => {
    throw new Refusal(404, 'There is no such page', 'The address leads nowhere.');
  });
  app.use(showError);
  return app;
}

/* Nothing but what this application serves, and forms that lead to it or to a sign-in page of Intuit's. */
async function headers(settings, database) {
  const signInPages = (await database.authorizeUrls()).map(({ authorize_url }) => new URL(authorize_url).origin);
  const secure = settings.url.startsWith('https:');
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"], scriptSrc: ["'self'"], styleSrc: ["'self'"], fontSrc: ["'self'"], imgSrc: ["'self'"],
        connectSrc: ["'self'"], formAction: ["'self'", ...new Set(signInPages)], baseUri: ["'none'"], frameAncestors: ["'none'"],
        ...(secure ? { upgradeInsecureRequests: [] } : {}),
      },
    },
    strictTransportSecurity: secure,
    // the address that Intuit sends the browser back to is nobody else's to see
    referrerPolicy: { policy: 'no-referrer' },
  };
}

/* Intuit's events, as they came: before anything reads the body. It waits three seconds for the answer. */
function webhook(app, database) {
  app.post('/quickbooks/webhook', express.raw({ type: () => true, limit: '16mb' }), async (request, response) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    try {
      await database.receiveWebhook(body, request.get('intuit-signature') ?? '');
      response.sendStatus(200);
    } catch (error) {
      if (error.code !== '28000') console.error(`webhook: ${error.code} ${error.message}`);
      response.sendStatus(error.code === '28000' ? 401 : 503);
    }
  });
}

function noStore(request, response, next) {
  response.set('Cache-Control', 'no-store');
  next();
}

/* Detail and hint are for those who run the application: they are written down here, and not shown. */
function showError(error, request, response, next) {
  const words = inUsersWords(error);
  if (words.status >= 500) console.error(`${request.method} ${request.path}: ${error.code ?? ''} ${error.message}${error.hint ? ` (${error.hint})` : ''}`);
  if (response.headersSent) return next(error);
  if (words.status === 503) response.set('Retry-After', '60');
  response.status(words.status).send(String(errorPage(request, words)));
}
