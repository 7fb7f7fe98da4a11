// The overview: what is promised and what is left of it, what fires, how long answers take, how good they are, what drifts.

import { every, head } from './controls.js';
import { deploymentMarks } from './deployments.js';
import { h } from './dom.js';
import { drawAlerts, drawObjectives, readAlerts, readObjectives } from './promises.js';
import { drawDrift, drawLatency, drawQuality, readDrift, readLatency, readQuality } from './overview_charts.js';
import { show as fillWith } from './states.js';

export const title = 'Overview';

export async function show(main, context) {
  const places = Object.fromEntries(['objectives', 'alerts', 'latency', 'quality', 'drift'].map((name) => [name, h('div')]));
  main.append(
    head(context, 'Overview', { refresh: true }),
    part('Promises', places.objectives, 'What is promised, what is left of the budget, and how fast it burns.'),
    part('Alerts', places.alerts),
    part('Latency', places.latency),
    part('Model quality', places.quality, 'Of the users who were said to convert; a version is marked by its colour.'),
    part('Drift', places.drift),
  );
  every(context, (again) => {
    const marks = deploymentMarks(context);
    const into = (name, load, draw) =>
      fillWith(
        places[name],
        async () => [await load(context), await marks],
        ([found, known]) => draw(context, found, known),
        { again },
      );
    into('objectives', readObjectives, drawObjectives);
    into('alerts', readAlerts, drawAlerts);
    into('latency', readLatency, drawLatency);
    into('quality', readQuality, drawQuality);
    into('drift', readDrift, drawDrift);
  });
}

function part(name, place, note) {
  return h('section.part', { 'aria-label': name }, h('h2', null, name, note && h('span.note', null, ` ${note}`)), place);
}
