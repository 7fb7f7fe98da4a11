// A trace in a few words.

import { announce, h, icon, ICONS } from './dom.js';
import { duration } from './format.js';
import { stamp } from './time.js';

/** Start, duration, spans, services, errors; `view` as traceView answers it. */
export function traceFacts(view, trace) {
  const spans = [...view.tree.byId.values()];
  const errors = spans.filter((span) => span.status === 'error').length;
  const { root } = view.tree;
  return h(
    'dl.facts',
    null,
    fact('Started', stamp(Number(trace.base / 1_000_000n), { millis: true })),
    fact('Duration', duration(root.end - root.start)),
    fact('Spans', spans.length),
    fact('Services', new Set(spans.map((span) => span.service)).size),
    fact('Errors', errors ? h('span.badge.bad', null, errors) : '0'),
  );
}

function fact(name, value) {
  return h('div', null, h('dt', null, name), h('dd', null, value));
}

/** The id, with a button that copies it. */
export function copyId(id) {
  const button = h(
    'button.quiet',
    { type: 'button', 'aria-label': 'Copy the trace id', title: 'Copy the trace id', onclick: () => copy(id) },
    icon(ICONS.link),
  );
  return h('p.note.id', null, h('code', null, id), button);
}

async function copy(id) {
  try {
    await navigator.clipboard.writeText(id);
    announce('The trace id is copied');
  } catch {
    prompt('The trace id:', id); // no clipboard without https or permission
  }
}
