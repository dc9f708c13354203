/*
 * What went wrong, for the person in front of the browser: a SQLSTATE's HTTP status and words. The table of SQLSTATEs
 * is in the manual (errors.md). Message, detail and hint are for those who run the application.
 */
const AGAIN = { action: 'Try again in a few minutes.' };
const SUPPORT = { action: 'Please tell the support of this app.' };

const KNOWN = {
  RQ001: { status: 409, title: 'QuickBooks has to be connected again', text: 'The permission to read this company has ended.', action: 'Press Reconnect QuickBooks.' },
  RQ002: { status: 409, title: 'That is another company', ownWords: true, action: 'Sign in again and choose the company that this entity is connected to.' },
  RQ003: { status: 409, title: 'This kind of company cannot be connected here', text: 'A test company belongs to a training model, a real one to the real thing.', ...SUPPORT },
  RQ004: { status: 409, title: 'The QuickBooks subscription has lapsed', text: 'QuickBooks gives no figures of this company until it is renewed.', action: 'Renew the subscription in QuickBooks.' },
  RQ005: { status: 403, title: 'QuickBooks does not permit that', text: 'The person who connected the company may not see its reports.', action: 'Connect again as an admin of the company.' },
  RQ006: { status: 503, title: 'QuickBooks is asked too often', text: 'It has asked us to wait for a while.', ...AGAIN },
  RQ007: { status: 502, title: 'A report does not add up', text: 'QuickBooks printed figures that do not sum to its own totals. What was there before has been kept.', action: 'Look at these months\u2019 reports in QuickBooks.' },
  RQ008: { status: 502, title: 'QuickBooks gave no proper answer', text: 'Nothing was changed.', ...AGAIN },
  RQ009: { status: 400, title: 'The sign-in was not completed', ownWords: true, action: 'Begin again with Connect QuickBooks.' },
  RQ010: { status: 500, title: 'This app cannot open its own safe', text: 'Nothing is lost.', ...SUPPORT },
  RQ011: { status: 503, title: 'QuickBooks cannot be reached', text: 'Nothing was changed.', ...AGAIN },
  22004: { status: 400, title: 'Something is missing', ownWords: true },
  22007: { status: 400, title: 'That is not a date', text: 'Dates are written as 2026-01-31.' },
  22008: { status: 400, title: 'That is not a date', text: 'Dates are written as 2026-01-31.' },
  22023: { status: 400, title: 'That cannot be', ownWords: true },
  23503: { status: 409, title: 'Something else still needs this', ownWords: true, ...SUPPORT },
  28000: { status: 401, title: 'Not signed', text: 'The signature is not QuickBooks\u2019.' },
  42501: { status: 403, title: 'You may not do that', text: 'This takes more rights than you have.', ...SUPPORT },
  42704: { status: 404, title: 'That does not exist', ownWords: true },
  42710: { status: 409, title: 'That name is taken', ownWords: true, action: 'Choose another name.' },
};
const BUSY = { status: 503, title: 'The app is busy', text: 'Nothing was changed.', ...AGAIN };
const UNKNOWN = { status: 500, title: 'Something went wrong', text: 'It has been written down.', ...SUPPORT };

/* An error of this app's own that has words for the user. */
export class Refusal extends Error {
  constructor(status, title, words, action) {
    super(words);
    Object.assign(this, { status, title, action });
  }
}

function known(code) {
  // 08, 53, 55 and 57 are the server's own troubles; so is 25006, a standby's
  return KNOWN[code] ?? (/^(08|53|55|57|25006|ECONN)/.test(code ?? '') ? BUSY : UNKNOWN);
}

const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? '' : '.');

/* { status, title, text, action, support }: support is what a user reads to whoever runs the application. */
export function inUsersWords(error) {
  if (error instanceof Refusal) return { status: error.status, title: error.title, text: error.message, action: error.action };
  if (!error.code && Number.isInteger(error.status)) // of the framework: a body too large, an address that cannot be read
    return { status: error.status, title: 'That could not be read', text: 'The request was not as this app expects it.' };
  const words = known(error.code);
  return {
    status: words.status,
    title: words.title,
    text: words.ownWords ? sentence(error.message) : words.text,
    action: words.action,
    support: error.code,
  };
}
