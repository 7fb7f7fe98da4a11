// The fault board: what can be broken, where and how strongly, and what is broken now. Closed during a drill.

import { ApiError } from './api.js';
import { announce, fill, h, newId } from './dom.js';
import { plural } from './format.js';
import { say } from './notebook.js';
import { empty, failure } from './states.js';

export const title = 'Fault board';

const READ_EVERY_MS = 5000;

export async function show(main, context) {
  const { api, keep, query, signal } = context;
  let board;
  try {
    board = await api.get('/api/faults', {}, { signal });
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) return closed(main, error, context);
    throw error;
  }

  const now = h('section.on-now', { 'aria-labelledby': 'on-now' });
  const filter = h('input', {
    id: newId('filter'), type: 'search', value: query.get('q') ?? '', 'data-search': '', placeholder: 'cv_model, memory, silent …',
    oninput: () => { keep({ q: filter.value }); sift(); },
  });
  const count = h('span.muted', { role: 'status' });
  const groups = [...byPlace(board.faults)].map(([place, rows]) => group(place, rows, { ...context, reread }));
  fill(main, h('h1', null, 'Fault board'),
    h('p.lead', null, 'Break something real, for a while, and see what it looks like. Each fault ends by itself.'),
    now, h('p.sift', null, h('label', { for: filter.id }, 'Show'), filter, count), groups.map((each) => each.place));
  drawOn(board.on);
  sift();

  function drawOn(on) {
    const focused = now.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    fill(now, onNow(on, end));
    if (focused) (now.querySelector(`[data-key="${CSS.escape(focused)}"]`) ?? filter).focus();
    const names = new Set(on.map((each) => each.fault));
    for (const each of groups) each.mark(names);
    tick();
  }
  function sift() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = groups.reduce((sum, each) => sum + each.sift(words), 0);
    count.textContent = shown ? plural(shown, 'fault') : 'No fault is like that: take a word off.';
  }
  async function end(key, name) {
    try {
      const { ended } = await api.delete(key ? `/api/faults/${key}` : '/api/faults');
      say(ended.length ? `Ended: ${name ?? plural(ended.length, 'fault')}.` : 'Nothing was on.');
    } catch (error) {
      say(`Not ended. ${error.message}`, 'bad');
    }
    await reread();
  }
  async function reread() {
    try {
      drawOn((await api.get('/api/faults', {}, { signal })).on);
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) closed(main, error, context);
      else if (error.name !== 'AbortError') fill(now, failure(error, reread));
    }
  }
  function tick() {
    for (const place of now.querySelectorAll('[data-ends]')) place.textContent = left(Number(place.dataset.ends));
  }

  const clocks = [setInterval(tick, 1000), setInterval(() => { if (!document.hidden) reread(); }, READ_EVERY_MS)];
  return () => clocks.forEach(clearInterval);
}

function closed(main, error, { link, state }) {
  const [path, text] = state.gameday ? ['/gameday', 'To the game day'] : ['/practice', 'To the drill'];
  fill(main, h('h1', null, 'Fault board'), empty('The fault board is closed',
    error.detail || 'It would tell the answer of the drill that runs. It opens when the drill has ended.',
    h('p', null, h('a', { href: link(path) }, text))));
}

function byPlace(rows) {
  const groups = new Map();
  for (const row of rows) {
    const place = row.places[0];
    groups.set(place, [...(groups.get(place) ?? []), row]);
  }
  return groups;
}

function onNow(on, end) {
  const heading = h('h2', { id: 'on-now' }, 'On now');
  if (!on.length) return [heading, h('p.muted', null, 'No fault is on. Start one below.')];
  return [heading, h('ul.cards', null, on.map((each) => h('li.burning', null,
    h('strong', null, each.fault), ` at ${each.at}`, each.waiting.length ? h('span.badge.warn', null, `not yet at ${each.waiting.join(', ')}`) : null,
    h('p', null, 'ends in ', h('span.clock', { 'data-ends': each.ends_at }), strength(each)),
    h('p.buttons', null, h('button', { type: 'button', 'data-key': each.key, 'aria-label': `End ${each.fault} at ${each.at}`, onclick: () => end(each.key, each.fault) }, 'End it'))))),
  on.length > 1 ? h('p.buttons', null, h('button', { type: 'button', 'data-key': 'all', onclick: () => end() }, 'End all')) : null];
}

function strength({ intensity, share, segment, instance }) {
  const said = [intensity < 1 && `intensity ${intensity}`, share < 1 && `share ${share}`, segment, instance].filter(Boolean);
  return said.length ? ` · ${said.join(' · ')}` : '';
}

function left(endsAt) {
  const seconds = Math.max(0, Math.round(endsAt - Date.now() / 1000));
  return seconds >= 60 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : `${seconds} s`;
}

/** All faults of one place; `sift(words)` hides what does not have them all and returns how many are left. */
function group(place, rows, context) {
  const faults = rows.map((row) => fault(row, context));
  const made = h('section.fault-group', { 'aria-label': place }, h('h2', null, place), faults.map((each) => each.place));
  return {
    place: made,
    mark: (names) => faults.forEach((each) => each.mark(names)),
    sift: (words) => {
      const shown = faults.filter((each) => each.sift(words)).length;
      made.hidden = !shown;
      return shown;
    },
  };
}

function fault(row, context) {
  const badge = h('span.badge.bad', { hidden: true }, 'on');
  const body = h('div.fault-body');
  const made = h('details.fault', { 'data-fault': row.id, ontoggle: () => { if (made.open && !body.hasChildNodes()) fill(body, about(row), form(row, context)); } },
    h('summary', null, h('span.fault-name', null, row.id), h('span.muted', null, row.mechanism), h('span.fault-tags', null, badge,
      h('span.badge', null, row.kind), row.silent ? h('span.badge', { title: 'Status and latency stay as they were' }, 'silent') : null)), body);
  const words = [row.id, row.kind, row.place, ...row.places, row.mechanism, ...row.also, row.silent ? 'silent' : ''].join(' ').toLowerCase();
  return {
    place: made,
    mark: (names) => { badge.hidden = !names.has(row.id); },
    sift: (wanted) => { made.hidden = !wanted.every((each) => words.includes(each)); return !made.hidden; },
  };
}

function about(row) {
  return [h('h3', null, 'What will be seen'), evidence(row.evidence),
    row.look_alikes.length ? h('p', null, `Looks like: ${row.look_alikes.join(', ')}.`) : null,
    h('p.muted', null, row.back === 'i' ? 'All is as before within 30 s of its end.' : 'All is as before one window after its end.')];
}

const evidence = (rows) => h('ul.signals', null, rows.map(({ says, signal, bound }) => h('li', null, `${says}: `, h('code', null, signal), ` ${bound}`)));

/** What a fault takes; what means nothing for it is not asked. */
function form(row, { api, reread }) {
  const place = row.places.length > 1 ? select('Place', row.places) : null;
  const segment = row.segment ? select('Users', ['all', ...row.segments]) : null;
  const intensity = row.dialled ? slider('Intensity') : null;
  const share = row.shared_out ? slider('Share of requests') : null;
  const seconds = field('Seconds', h('input', { type: 'number', min: 2, max: 3600, step: 1, value: 60, required: true }));
  const button = h('button.primary', { type: 'submit' }, `Start ${row.id}`);
  const out = h('div', { 'aria-live': 'polite' });

  async function start(event) {
    event.preventDefault();
    button.disabled = true;
    fill(out, h('p.loading', null, 'It is being switched on: up to 8 s …'));
    try {
      const on = await api.post('/api/faults', {
        fault: row.id, at: place?.value, segment: segment && segment.value !== 'all' ? segment.value : undefined,
        intensity: intensity ? Number(intensity.value) : undefined, share: share ? Number(share.value) : undefined, seconds: Number(seconds.value),
      });
      fill(out, h('p', null, `On at ${on.on.join(', ') || on.at}. Expect:`), evidence(on.expected));
      announce(`${row.id} is on.`);
    } catch (error) {
      fill(out, failure(error));
    } finally {
      button.disabled = false;
      button.focus();
      await reread();
    }
  }
  return h('form.fault-form', { onsubmit: start },
    h('div.asks', null, [place, segment, intensity, share, seconds].map((each) => each?.place)),
    h('p.buttons', null, button), out);
}

function field(label, input) {
  const id = newId('field');
  input.id = id;
  return { place: h('div.ask', null, h('label', { for: id }, label), input), get value() { return input.value; } };
}

function select(label, options) {
  return field(label, h('select', null, options.map((each) => h('option', { value: each }, each))));
}

function slider(label) {
  const shown = h('output', null, '1');
  const input = h('input', { type: 'range', min: 0.05, max: 1, step: 0.05, value: 1, oninput: () => { shown.textContent = input.value; } });
  const made = field(label, input);
  made.place.append(shown);
  return made;
}
