// Times: the range that a page looks at, and how times are shown (the viewer's zone, UTC on hover).

import { h } from './dom.js';

export const LASTS = { '5m': 5, '15m': 15, '30m': 30, '1h': 60, '3h': 180, '6h': 360, '24h': 1440 };
const USUAL = '15m';

/** The range in a URL's query: {from, to} in Unix ms, and `last` where it moves with the clock. */
export function rangeOf(query) {
  const from = moment(query.get('from'));
  const to = moment(query.get('to'));
  if (from !== null && to !== null && from < to) return { from, to, last: null };
  const last = query.get('last') in LASTS ? query.get('last') : USUAL;
  const now = Date.now();
  return { from: now - LASTS[last] * 60_000, to: now, last };
}

function moment(text) {
  if (!text) return null;
  const value = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isFinite(value) ? value : null;
}

/** A step in seconds that gives a range some 200 points, on the clock's own marks. */
export function stepOf({ from, to }, points = 200) {
  const least = (to - from) / 1000 / points;
  return [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600].find((each) => each >= least) ?? 7200;
}

const parts = (options) => new Intl.DateTimeFormat(undefined, options);
const CLOCK = parts({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const SHORT = parts({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const DAY = parts({ month: 'short', day: 'numeric' });

/** 14:03:22, with the day where it is not today, with milliseconds where asked for. */
export function clock(ms, { millis = false } = {}) {
  const date = new Date(ms);
  const fraction = millis ? `.${String(date.getMilliseconds()).padStart(3, '0')}` : '';
  const day = date.toDateString() === new Date().toDateString() ? '' : `${DAY.format(date)} `;
  return `${day}${CLOCK.format(date)}${fraction}`;
}

/** Of an axis that is longer than this the days are told. */
export const DAYS_MS = 36 * 3_600_000;

/** For an axis: hours and minutes, seconds where the range is short, the day where it is long. */
export function tick(ms, spanMs) {
  const date = new Date(ms);
  if (spanMs > DAYS_MS) return `${DAY.format(date)} ${SHORT.format(date)}`;
  return spanMs < 10 * 60_000 ? CLOCK.format(date) : SHORT.format(date);
}

export function utc(ms) {
  return `${new Date(ms).toISOString().replace('T', ' ').replace('Z', '')} UTC`;
}

/** The time at the head of a chart's tip, with UTC beside it. */
export const tipTime = (ms) => h('p.tip-time', null, clock(ms), h('span.muted', null, ` ${utc(ms).slice(11)}`));

/** A <time> in the viewer's zone that shows UTC on hover. */
export function stamp(ms, options) {
  return h('time', { datetime: new Date(ms).toISOString(), title: utc(ms) }, clock(ms, options));
}

/** How long ago: "12 s", "4 min", "2 h", "3 d". */
export function ago(ms) {
  const seconds = Math.max(0, (Date.now() - ms) / 1000);
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 129_600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`;
}

/** The viewer's zone by name. */
export function zone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The value of a datetime-local input for a moment, in the viewer's zone. */
export function localInput(ms) {
  const date = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 19);
}
