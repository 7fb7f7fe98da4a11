// What stands above a page's content: its name, the time it looks at, how often it looks, the filter, links out.

import { announce, fill, h, icon, ICONS, newId } from './dom.js';
import { openInGrafana } from './grafana.js';
import { pinButton as notebookButton } from './notebook.js';
import { swatch } from './palette.js';
import { clock, LASTS, localInput, rangeOf, utc } from './time.js';

const REFRESH = { off: 0, '5s': 5, '10s': 10, '30s': 30 };

/** A page's head. `asked()` is what grafana.js opens, [[language, query], …]; `refresh` offers to draw again by itself. */
export function head(context, title, { refresh = false, time = true, asked = null, note = '' } = {}) {
  return h(
    'div.head',
    null,
    h('div.titles', null, h('h1', null, title), note && h('p.note', null, note)),
    h(
      'div.tools',
      null,
      filters(context),
      time && timePicker(context),
      refresh && refreshPicker(context),
      copyButton(context),
      asked && openInGrafana(context, asked),
    ),
  );
}

function timePicker(context) {
  const { range } = context;
  const id = newId('range');
  const select = h(
    'select',
    { id, onchange: () => pick(context, select.value, dialog) },
    Object.keys(LASTS).map((last) => h('option', { value: last, selected: range.last === last }, `Last ${last}`)),
    h(
      'option',
      { value: 'custom', selected: !range.last },
      range.last ? 'From … to …' : `${clock(range.from)} – ${clock(range.to)}`,
    ),
  );
  if (!range.last) select.title = `${utc(range.from)} – ${utc(range.to)}`;
  const dialog = rangeDialog(context);
  return h(
    'span.control',
    null,
    h('label.hidden-text', { for: id }, 'Time'),
    select,
    !range.last && h('button', { type: 'button', onclick: () => dialog.showModal() }, 'Change'),
    dialog,
  );
}

function pick(context, value, dialog) {
  if (value === 'custom') dialog.showModal();
  else context.go(changed({ last: value, from: null, to: null }));
}

function rangeDialog(context) {
  const id = newId('between');
  const from = moment(`${id}-from`, context.range.from);
  const to = moment(`${id}-to`, context.range.to);
  const wrong = h('p.wrong', { role: 'alert' });
  const submit = (event) => {
    const [start, end] = [from, to].map((each) => Date.parse(each.value));
    if (start < end) return void between(context, start, end);
    event.preventDefault();
    fill(wrong, 'The end must be after the start.');
  };
  const dialog = h(
    'dialog',
    { 'aria-labelledby': `${id}-title` },
    h(
      'form',
      { method: 'dialog', onsubmit: submit },
      h('h2', { id: `${id}-title` }, 'Look at the time'),
      h('label', { for: from.id }, 'From'),
      from,
      h('label', { for: to.id }, 'To'),
      to,
      wrong,
      h(
        'p.buttons',
        null,
        h('button.primary', { type: 'submit' }, 'Show'),
        h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'),
      ),
    ),
  );
  return dialog;
}

const moment = (id, ms) => h('input', { id, type: 'datetime-local', step: '1', required: true, value: localInput(ms) });

/** Look at the time between two moments (Unix ms). */
export function between(context, from, to) {
  return context.go(changed({ from: Math.round(from), to: Math.round(to), last: null }));
}

/** This page's URL with some of its query changed. */
export function changed(values) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === '') query.delete(name);
    else query.set(name, value);
  }
  return query.size ? `${location.pathname}?${query}` : location.pathname;
}

function refreshPicker(context) {
  const id = newId('refresh');
  const now = refreshSeconds(context);
  return h(
    'span.control',
    null,
    h('label.hidden-text', { for: id }, 'Refresh'),
    h(
      'select',
      {
        id,
        disabled: !context.range.last,
        title: context.range.last ? 'How often this page looks again' : 'A fixed time does not change',
        onchange: (event) => context.go(changed({ refresh: event.target.value })),
      },
      Object.entries(REFRESH).map(([name, seconds]) =>
        h('option', { value: name, selected: seconds === now }, seconds ? `Every ${seconds} s` : 'No refresh'),
      ),
    ),
  );
}

function refreshSeconds({ query, range }) {
  if (!range.last) return 0;
  return REFRESH[query.get('refresh') ?? '10s'] ?? 10;
}

/**
 * Call `draw(again)` now, and again as often as the page's refresh says while it is visible. Ends with the page.
 * The page's range moves on with the clock.
 */
export function every(context, draw) {
  draw(false);
  const seconds = refreshSeconds(context);
  if (!seconds) return;
  const timer = setInterval(() => {
    if (document.hidden) return;
    Object.assign(context.range, rangeOf(context.query));
    draw(true);
  }, seconds * 1000);
  context.signal.addEventListener('abort', () => clearInterval(timer));
}

/** The filter that the map sets: shown on every page, with a button that takes it off. */
function filters(context) {
  const service = context.query.get('service');
  const client = context.query.get('client');
  if (!service) return null;
  const text = client ? `${client} → ${service}` : service;
  return h(
    'span.chip.filter',
    null,
    swatch(service),
    text,
    h(
      'button',
      {
        type: 'button',
        'aria-label': `Take the filter ${text} off`,
        onclick: () => context.go(changed({ service: null, client: null, q: null })),
      },
      icon(ICONS.close, 12),
    ),
  );
}

function copyButton(context) {
  const button = h(
    'button.quiet',
    { type: 'button', title: 'A link to just this, at just this time', onclick: () => copyLink(context, button) },
    icon(ICONS.link),
    ' Copy link',
  );
  return button;
}

async function copyLink({ range }, button) {
  const url = new URL(changed({ from: Math.round(range.from), to: Math.round(range.to), last: null }), location.origin);
  try {
    await navigator.clipboard.writeText(url.href);
    announce('The link is copied');
    flash(button, ' Copied');
  } catch {
    prompt('The link:', url.href); // no clipboard without https or permission
  }
}

function flash(button, text) {
  const before = button.lastChild.textContent;
  button.lastChild.textContent = text;
  setTimeout(() => {
    button.lastChild.textContent = before;
  }, 1500);
}

/** A button that pins evidence to the running drill's notebook (see notebook.js); null where no drill is on. */
export function pinButton({ state }, kind, payload, label = 'Pin') {
  return state.drill ? notebookButton(kind, payload, label) : null;
}
