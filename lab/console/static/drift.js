// Drift as a grid of features by time.

import { prometheus } from './backends.js';
import { between, changed } from './controls.js';
import { h, newId } from './dom.js';
import { heatMap } from './heat_map.js';
import { COLUMNS } from './overview_charts.js';
import { empty } from './states.js';
import { stepOf } from './time.js';

const PSI_ALERT = 0.25;
const DRIFT = {
  psi: ['feature:psi:window', 'PSI: 0 is the reference, the alert is at 0.25'],
  ks: ['max by (model_name, model_version, feature) (feature_drift_ks)', 'KS distance: 0 to 1'],
};

export async function readDrift(context) {
  const measure = context.query.get('drift') === 'ks' ? 'ks' : 'psi';
  const step = stepOf(context.range, COLUMNS);
  const range = { ...context.range };
  const [query] = DRIFT[measure];
  return { measure, query, step, range, series: await prometheus.range(query, range, { signal: context.signal, step }) };
}

export function drawDrift(context, { measure, step, range, series }, marks) {
  const [, note] = DRIFT[measure];
  const chooser = measureChooser(context, measure);
  if (!series.length) {
    return [
      chooser,
      empty(
        measure === 'psi' ? 'No score yet' : 'No window is closed yet',
        measure === 'psi'
          ? 'PSI needs 500 rows in its half hour; below that nothing is scored. KS shows earlier.'
          : 'It takes some hundred predictions.',
      ),
    ];
  }
  const rows = driftRows(series);
  const full = measure === 'psi' ? PSI_ALERT : Math.max(0.2, ...rows.map((row) => row.worst));
  const times = [...new Set(rows.flatMap((row) => [...row.values.keys()]))].sort((a, b) => a - b);
  return h(
    'div.panel',
    null,
    chooser,
    heatMap({
      title: 'Feature by time',
      note,
      rows,
      times,
      stepMs: step * 1000,
      range,
      marks,
      left: 285, // the longest name whole
      rowHeight: 15,
      onPick: (from, to) => between(context, from, to),
      strength: (value) => value / full,
      loud: (value) => measure === 'psi' && value > PSI_ALERT,
      format: (value) => value.toFixed(3),
    }),
  );
}

/** What drifts most stands first. */
function driftRows(series) {
  const rows = series.map(({ labels, points }) => ({
    name: nameOf(labels),
    worst: Math.max(...points.map(([, value]) => value).filter(Number.isFinite), 0),
    values: new Map(points),
  }));
  return rows.sort((a, b) => b.worst - a.worst);
}

function measureChooser(context, measure) {
  const id = newId('drift');
  return h(
    'p.table-tools',
    null,
    h('label', { for: id }, 'Measure'),
    h(
      'select',
      { id, onchange: (event) => context.go(changed({ drift: event.target.value === 'psi' ? null : 'ks' })) },
      h('option', { value: 'psi', selected: measure === 'psi' }, 'PSI (half an hour)'),
      h('option', { value: 'ks', selected: measure === 'ks' }, 'KS (last window)'),
    ),
  );
}

/** conversion_model v1 shares its features with v2: the feature first, then whose. */
function nameOf({ feature, model_name: model = '', model_version: version = '' }) {
  return `${feature} · ${model.replace('_model', '')} ${version}`.trim();
}
