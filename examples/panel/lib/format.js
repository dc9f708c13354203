/* Figures, dates and counts as people read them. Amounts stay texts: they never pass through a binary float. */
const DAY = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeZone: 'UTC' });
const TIME = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
const MONTH = new Intl.DateTimeFormat('en-US', { month: 'short', year: 'numeric', timeZone: 'UTC' });

/* '-1234.5' is −1,234.50 */
export function money(amount) {
  if (amount === null || amount === undefined) return '';
  const [, minus, whole, cents = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(amount);
  const sign = minus && /[1-9]/.test(amount) ? '\u2212' : '';
  return `${sign}${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${cents.padEnd(2, '0')}`;
}

/* For the axis of a plot only. */
export function shortMoney(number) {
  return new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 }).format(number).replace('-', '\u2212');
}

export const day = (date) => (date ? DAY.format(new Date(`${date}T00:00:00Z`)) : '');
export const month = (date) => (date ? MONTH.format(new Date(`${date}T00:00:00Z`)) : '');
export const time = (moment) => (moment ? `${TIME.format(moment)} UTC` : '');
export const count = (number, one, many = `${one}s`) => `${number} ${Number(number) === 1 ? one : many}`;
