// The overview: what is promised and what is left of it, what fires, how long answers take, how good they are, what drifts.

import { every, head } from './controls.js';
import { deploymentMarks } from './deployments.js';
import { fill, h } from './dom.js';
import { drawDrift, readDrift } from './drift.js';
import { openInGrafana } from './grafana.js';
import { drawAlerts, drawObjectives, readAlerts, readObjectives } from './promises.js';
import { drawLatency, drawQuality, readLatency, readQuality } from './overview_charts.js';
import { show as fillWith } from './states.js';

export const title = 'Overview';

/** `asked(found)`: the PromQL behind a part. */
const PARTS = [
  {
    name: 'Promises',
    note: 'What is promised, what is left of the budget, and how fast it burns.',
    read: readObjectives,
    draw: drawObjectives,
    asked: (objectives) => objectives.map((each) => each.budget_query),
  },
  { name: 'Alerts', read: readAlerts, draw: drawAlerts, asked: () => ['ALERTS{alertstate="firing"}'] },
  { name: 'Latency', read: readLatency, draw: drawLatency, asked: ({ asked }) => asked },
  {
    name: 'Model quality',
    note: 'Of the users who were said to convert; a version is marked by its colour.',
    read: readQuality,
    draw: drawQuality,
    asked: ({ charts }) => charts.flatMap(({ query, low }) => [query, low].filter(Boolean)),
  },
  { name: 'Drift', read: readDrift, draw: drawDrift, asked: ({ query }) => [query] },
];

export async function show(main, context) {
  const parts = PARTS.map((each) => ({ ...each, place: h('div'), out: h('span') }));
  main.append(head(context, 'Overview', { refresh: true }), ...parts.map(part));
  every(context, (again) => {
    const marks = deploymentMarks(context);
    for (const { place, out, read, draw, asked } of parts) {
      fillWith(
        place,
        async () => [await read(context), await marks],
        ([found, known]) => {
          fill(out, openInGrafana(context, () => [['promql', ...asked(found)]]));
          return draw(context, found, known);
        },
        { again },
      );
    }
  });
}

function part({ name, note, place, out }) {
  return h(
    'section.part',
    { 'aria-label': name },
    h('div.part-head', null, h('h2', null, name, note && h('span.note', null, ` ${note}`)), out),
    place,
  );
}
