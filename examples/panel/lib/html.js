/* HTML as a tagged template: what is put in is escaped, unless it is HTML already. */
class Html {
  constructor(text) {
    this.text = text;
  }
  toString() {
    return this.text;
  }
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function text(value) {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(text).join('');
  return String(value).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

export function html(parts, ...values) {
  return new Html(parts.reduce((whole, part, i) => whole + text(values[i - 1]) + part));
}
