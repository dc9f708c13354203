/* A statement's main lines as bars, drawn on the server: an SVG without scripts and styles of its own. */
import { month, shortMoney } from './format.js';
import { html } from './html.js';

const WIDTH = 900;
const HEIGHT = 210;
const PAD = { left: 62, right: 12, top: 16, bottom: 34 };
const TICKS = 4;

/* Which lines are drawn, by the kind of statement: how each is found, and what it is called. Sections have fixed names. */
const SERIES = {
  profit_and_loss: [
    { name: 'Income', mark: 'a', find: (line) => line.kind === 'total' && line.depth === 0 && line.section === 'Income' },
    { name: 'Net income', mark: 'b', find: (line) => line.kind === 'computed' && line.label.trim() === 'Net Income' },
  ],
  balance_sheet: [
    { name: 'Assets', mark: 'a', find: (line) => line.kind === 'total' && line.label.trim() === 'Total Assets' },
    { name: 'Liabilities', mark: 'c', find: (line) => line.kind === 'total' && line.label.trim() === 'Total Liabilities' },
    { name: 'Equity', mark: 'b', find: (line) => line.kind === 'total' && line.label.trim() === 'Total Equity' },
  ],
};

/* A round step, so that about so many ticks cover the range. */
function stepOf(range, ticks) {
  const rough = range / ticks || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) * power;
}

function scaleOf(values) {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const step = stepOf(high - low, TICKS);
  const [bottom, top] = [Math.floor(low / step) * step, Math.ceil(high / step) * step || step];
  const inner = HEIGHT - PAD.top - PAD.bottom;
  const ticks = Array.from({ length: Math.round((top - bottom) / step) + 1 }, (_, i) => bottom + i * step);
  return { ticks, y: (value) => PAD.top + ((top - value) / (top - bottom)) * inner };
}

function seriesOf(kind, periods, lines) {
  return SERIES[kind].map((one) => {
    const line = lines.find(one.find);
    return { ...one, values: periods.map((period) => Number(line?.amounts.get(period.period_start) ?? 0)), isThere: Boolean(line) };
  }).filter(({ isThere }) => isThere);
}

function bars(series, scale, slot) {
  const width = Math.min(34, (slot * 0.7) / series.length);
  return series.map(({ values, mark, name }, s) => values.map((value, i) => {
    const x = PAD.left + slot * (i + 0.5) + (s - series.length / 2) * width;
    const [top, bottom] = [Math.min(scale.y(value), scale.y(0)), Math.max(scale.y(value), scale.y(0))];
    return html`<rect class="bar-${mark}" x="${(x + 1).toFixed(1)}" y="${top.toFixed(1)}" width="${(width - 2).toFixed(1)}" height="${Math.max(1, bottom - top).toFixed(1)}" rx="2"><title>${name}: ${shortMoney(value)}</title></rect>`;
  }));
}

/* The labels that there is room for. */
function labels(periods, slot) {
  const every = Math.ceil(70 / slot);
  return periods.map((period, i) => i % every === 0 && html`<text class="axis" x="${(PAD.left + slot * (i + 0.5)).toFixed(1)}" y="${HEIGHT - 9}" text-anchor="middle">${period.period.length === 7 && period.period[4] === '-' ? month(period.period_start) : period.period}</text>`);
}

const legend = (series) => html`<figcaption class="legend">${series.map(({ name, mark }) => html`<span><i class="key bar-${mark}"></i>${name}</span>`)}</figcaption>`;

export function plot(kind, periods, lines, currency) {
  const series = seriesOf(kind, periods, lines);
  if (!series.length) return null;
  const scale = scaleOf(series.flatMap(({ values }) => values));
  const slot = (WIDTH - PAD.left - PAD.right) / periods.length;
  const name = series.map((one) => one.name).join(', ');
  return html`${legend(series)}<svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${name} by period, in ${currency}. The table below has the figures.">
${scale.ticks.map((tick) => html`<line class="grid${tick === 0 && html` zero`}" x1="${PAD.left}" x2="${WIDTH - PAD.right}" y1="${scale.y(tick).toFixed(1)}" y2="${scale.y(tick).toFixed(1)}"/><text class="axis" x="${PAD.left - 8}" y="${(scale.y(tick) + 4).toFixed(1)}" text-anchor="end">${shortMoney(tick)}</text>`)}
${bars(series, scale, slot)}
${labels(periods, slot)}
</svg>`;
}
