// The waterfall in a worked solution: the player's own trace where it is still there, else one of the drill's window.

import { tempo } from './backends.js';
import { duration } from './format.js';
import { fill, h } from './dom.js';
import { empty, failure, loading } from './states.js';
import { operation, parseTrace } from './trace_model.js';
import { traceView } from './trace_view.js';

const PATH_SHOWN = 5;

/** A section that fills itself with the first of `ids` that the backend still has; `own` are the player's among them. */
export function evidenceWaterfall(ids, own, { link, signal }) {
  const place = h('section.panel', null, loading('Fetching the trace …'));
  draw(place, [...new Set(ids)], own, link, signal);
  return place;
}

async function draw(place, ids, own, link, signal) {
  try {
    for (const id of ids) {
      const found = await tempo.trace(id, { signal });
      const trace = found ? parseTrace(found) : { spans: [] };
      if (trace.spans.length) return show(place, id, trace, own.includes(id), link, signal);
    }
    fill(place, ids.length ? empty('No trace of it is left', 'Traces are kept for some hours.') : null);
  } catch (error) {
    if (error.name !== 'AbortError') fill(place, failure(error, () => draw(place, ids, own, link, signal)));
  }
  return undefined;
}

function show(place, id, trace, mine, link, signal) {
  const canvas = h('div');
  fill(place, h('h3', null, mine ? 'The critical path of your evidence' : 'The critical path of a trace that shows it'), canvas);
  const view = traceView(canvas, trace, { compact: true });
  signal.addEventListener('abort', () => view.end());
  const longest = [...view.pathNs].sort(([, a], [, b]) => b - a).slice(0, PATH_SHOWN);
  place.append(h('p', null, 'Most of the time went to ', longest.map(([span, ns], index) => [index ? ', ' : '', named(view.tree.byId.get(span)), ` (${duration(ns)})`]), '. ',
    h('a', { href: link(`/trace/${id}`) }, 'Open it whole'), '.'));
}

const named = (span) => `${span.service} ${operation(span)}`;
