/* What the environment says. The database is that of DATABASE_URL, or of PGHOST, PGDATABASE and so on. */
import { randomBytes } from 'node:crypto';

export function readSettings(environment) {
  const port = Number(environment.PORT ?? 3000);
  const url = (environment.PANEL_URL ?? `http://localhost:${port}`).replace(/\/$/, '');
  return {
    port,
    url,
    host: environment.HOST ?? '127.0.0.1',
    // what a sign-in is made for: production, sandbox, or one that a superuser has added
    environment: environment.PANEL_ENVIRONMENT ?? 'production',
    callback: new URL(environment.PANEL_CALLBACK ?? '/quickbooks/callback', url).pathname,
    // signs the cookie; without one, sessions end with the process
    sessionSecret: environment.PANEL_SESSION_SECRET ?? randomBytes(32).toString('base64'),
    database: environment.DATABASE_URL,
    // LISTEN needs a connection of its own: not one of a pooler in transaction mode
    listenDatabase: environment.PANEL_LISTEN_DATABASE_URL ?? environment.DATABASE_URL,
    // a role that may hand in webhooks and nothing else
    webhookDatabase: environment.PANEL_WEBHOOK_DATABASE_URL,
    webhookUser: environment.PANEL_WEBHOOK_USER ?? 'panel_webhook',
  };
}
