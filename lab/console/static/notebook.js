// The notebook of a drill: traces, spans, log lines and charts that the player pinned. The lab keeps it with the drill.

import { api } from './api.js';
import { announce, fill, h, icon, ICONS } from './dom.js';
import { stamp } from './time.js';

const PATH = '/api/notebook';
const LONGEST = 4000; // what the lab takes of one text
const KINDS = { trace: 'Trace', span: 'Span', log: 'Log line', chart: 'Chart' };
const SHOWN_MS = 5000;

/**
 * Pin evidence. `kind`: trace, span, log or chart. `payload`: {title, trace_id?, span_id?, service?, time?, query?, language?,
 * text?, data?, path?}; `time` in Unix seconds, `path` is where it can be seen again, this page unless given.
 * Says what happened, to eye and screen reader; true where it was pinned.
 */
export async function pin(kind, { path, time, ...more }) {
  const made = cut({ kind, url: path ?? location.pathname + location.search, at: time, ...more });
  try {
    const { drill, pins } = await api.get(PATH);
    if (!drill) return refuse('No drill is running. Start one under Practice: what you pin goes into its notebook.');
    if (pins.some((each) => same(each, made))) return refuse('That is in the notebook already.');
    const kept = await api.put(PATH, { pins: [...pins, made] });
    say(`Pinned: ${made.title} (${kept.pins.length} in the notebook).`);
    return true;
  } catch (error) {
    return refuse(`Not pinned. ${error.message}`);
  }
}

/** A button that pins what `payload()` says when it is pressed. */
export function pinButton(kind, payload, label = 'Pin') {
  const press = () => pin(kind, typeof payload === 'function' ? payload() : payload);
  return h('button.pin', { type: 'button', title: 'Pin it as evidence in the notebook of the drill', onclick: press }, icon(ICONS.pin), label);
}

/**
 * The pins as a list. `change(pins)` keeps another list and is left out where the drill has ended; `use(traceId)` takes a
 * trace as evidence.
 */
export function pinList(pins, { change, use } = {}) {
  if (!pins.length) return h('p.empty', null, emptyText(change));
  const edit = (index, made) => change(pins.flatMap((each, at) => (at === index ? made : [each])));
  return h('ol.pins', null, pins.map((each, index) => h('li', null,
    h('p.pin-title', null, h('span.badge', null, KINDS[each.kind] ?? each.kind), ' ', link(each), each.at ? [' ', stamp(each.at * 1000)] : null),
    each.text ? h('pre.pin-text', null, each.text) : null,
    each.query ? h('pre.pin-text', null, each.query) : null,
    change ? note(each, (text) => edit(index, [{ ...each, note: text }])) : each.note ? h('p', null, each.note) : null,
    h('p.buttons', null,
      use && each.trace_id ? h('button', { type: 'button', onclick: () => use(each.trace_id) }, 'Use as evidence') : null,
      change ? h('button', { type: 'button', 'aria-label': `Remove ${each.title}`, onclick: () => edit(index, []) }, 'Remove') : null))));
}

/** A short message at the page's foot, also for screen readers. */
export function say(text, kind = 'good') {
  document.querySelector('.toast')?.remove();
  const toast = h('div.toast', { class: kind }, text);
  document.body.append(toast);
  announce(text);
  setTimeout(() => toast.remove(), SHOWN_MS);
}

function refuse(text) {
  say(text, 'bad');
  return false;
}

function emptyText(change) {
  return change
    ? 'Nothing pinned yet. Open a trace, a log line or a chart and press its Pin button.'
    : 'Nothing was pinned.';
}

/** Only paths of the console become links, whatever a pin holds. */
function link({ url, title }) {
  return /^\/(?!\/)/.test(url ?? '') ? h('a', { href: url }, title) : h('span', null, title);
}

function note(each, keep) {
  const field = h('input', {
    type: 'text', value: each.note ?? '', maxlength: 500, placeholder: 'What it shows', 'aria-label': `Note on ${each.title}`,
  });
  field.addEventListener('change', () => keep(field.value.trim()));
  return h('p.pin-note', null, field);
}

const IDENTITY = ['kind', 'title', 'trace_id', 'span_id', 'at', 'query', 'text'];

function same(a, b) {
  return IDENTITY.every((name) => (a[name] ?? '') === (b[name] ?? ''));
}

function cut(made) {
  const texts = Object.entries(made).map(([name, value]) => [name, typeof value === 'string' ? value.slice(0, LONGEST) : value]);
  return Object.fromEntries(texts.filter(([, value]) => value !== undefined && value !== null));
}

/** Fill `place` with the running drill's pins and keep it so: {read(), traces()}, the latter [{id, title}] of what is pinned. */
export function notebook(place, { use } = {}) {
  let known = [];
  const draw = ({ pins }) => {
    known = pins;
    fill(place, pinList(pins, { change, use }));
  };
  async function change(pins) {
    try {
      draw(await api.put(PATH, { pins }));
    } catch (error) {
      refuse(`The notebook was not kept. ${error.message}`);
    }
  }
  return {
    read: async () => draw(await api.get(PATH)),
    traces: () => known.filter((each) => each.trace_id).map((each) => ({ id: each.trace_id, title: each.title })),
  };
}
