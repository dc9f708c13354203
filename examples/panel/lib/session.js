/*
 * The browser's session: kept in the database, named by a signed cookie. It has a token that forms must bring back, a
 * message for the next page, and a word for each sign-in that was begun in it.
 */
import connectPgSimple from 'connect-pg-simple';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import session from 'express-session';
import { Refusal } from './errors.js';

const MOST_SIGN_INS = 5;
const random = () => randomBytes(24).toString('base64url');

export function sessions(settings, pool) {
  const Store = connectPgSimple(session);
  const secure = settings.url.startsWith('https:');
  return session({
    store: new Store({ pool, schemaName: 'panel', tableName: 'session', errorLog: (error) => console.error(`session: ${error.message ?? error}`) }),
    name: secure ? '__Host-panel' : 'panel',
    secret: settings.sessionSecret,
    resave: false,
    saveUninitialized: false,
    proxy: true,
    // lax: the cookie comes along when Intuit sends the browser back, and with no form of another site
    cookie: { httpOnly: true, sameSite: 'lax', secure, path: '/', maxAge: 12 * 60 * 60 * 1000 },
  });
}

/* request.session.token, to be put into each form; a POST without it is refused. */
export function formToken(request, response, next) {
  request.session.token ??= random();
  if (request.method === 'GET' || request.method === 'HEAD') return next();
  const [given, wanted] = [request.body?.token, request.session.token].map((text) => Buffer.from(String(text ?? '')));
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return next();
  throw new Refusal(403, 'That page was too old', 'The form belongs to another session.', 'Go back, load the page again, and repeat what you did.');
}

/* Before a redirect: a browser follows it as soon as it has the headers, and must find the session as it is now. */
function save(request) {
  return new Promise((resolve, reject) => request.session.save((error) => (error ? reject(error) : resolve())));
}

/* What the next page says at its top. */
export function flash(request, kind, text) {
  request.session.flash = { kind, text };
  return save(request);
}

export function takeFlash(request) {
  const { flash: message } = request.session;
  delete request.session.flash;
  return message;
}

const stateOf = (address) => new URL(address, 'https://localhost').searchParams.get('state') ?? '';

/* A word that binds a sign-in to this session; begin has reefqbo make the address with it. */
export async function beginSignIn(request, about, begin) {
  const word = random();
  const address = await begin(word);
  const others = (request.session.signIns ?? []).slice(1 - MOST_SIGN_INS);
  request.session.signIns = [...others, { ...about, word, state: stateOf(address) }];
  await save(request);
  return address;
}

/* What was begun in this session with the state that has come back. A word that is no session's, if nothing was. */
export function signInOf(request) {
  const state = stateOf(request.originalUrl);
  return (request.session.signIns ?? []).find((signIn) => signIn.state === state) ?? { word: 'none' };
}
