// Log lines by LogQL: a histogram by level, the lines, and a live tail.

import { loki } from './backends.js';
import { barChart } from './charts.js';
import { completeLogQL } from './completions.js';
import { between, changed, head } from './controls.js';
import { fill, h, newId } from './dom.js';
import { number, plural } from './format.js';
import { LEVELS, levelName, logLine } from './log_lines.js';
import { queryBox } from './querybox.js';
import { empty, failure, show as fillWith } from './states.js';
import { stepOf } from './time.js';

export const title = 'Logs';
const EXAMPLES = [
  ['Everything', '{service_name=~".+"}'],
  ['Warnings and errors', '{service_name=~".+"} | severity_text=~"WARNING|ERROR|CRITICAL"'],
  ['Orchestrator', '{service_name="orchestrator"}'],
  ['Of the v2 models', '{service_name=~".+"} | model_version="v2"'],
  ['That say “timeout”', '{service_name=~".+"} |~ "(?i)time.?out|deadline"'],
];
const LIMIT = 200;
const TAIL_LIMIT = 200;
const TAIL_EVERY_MS = 2000;
const TAIL_OVERLAP_NS = 5_000_000_000n; // lines of several services arrive up to a few seconds late
const KEPT = 500;

/** The query that the map's filter stands for. */
function filterQuery(query) {
  const service = query.get('service');
  if (service === 'redis') return '{service_name=~".+"} |~ "(?i)redis"';
  return service ? `{service_name=${JSON.stringify(service)}}` : '{service_name=~".+"}';
}

export async function show(main, context) {
  const query = context.query.get('q') ?? filterQuery(context.query);
  const live = context.query.get('live') === '1';
  const box = queryBox({
    label: 'LogQL',
    value: query,
    complete: completeLogQL,
    examples: EXAMPLES,
    run: (q) => context.go(changed({ q })),
  });
  const histogram = h('div.panel');
  const lines = h('div.panel');
  main.append(head(context, 'Logs', { asked: () => [['logql', query]] }), box.element, histogram, lines);
  fillWith(
    histogram,
    () => counts(query, context).catch(toldBelow),
    (bins) => bins && drawCounts(context, bins),
  );
  if (live) return new Tail(context, query, lines).end;
  fillWith(
    lines,
    () => loki.lines(query, context.range, LIMIT, { signal: context.signal }),
    (found) => drawLines(context, found),
  );
  return undefined;
}

/** What is wrong with the query is told once, with the lines. */
function toldBelow(error) {
  if (error.status !== 400) throw error;
  return null;
}

async function counts(query, context) {
  const step = stepOf(context.range, 60);
  const found = await loki.range(`sum by (severity_text) (count_over_time(${query} [${step}s]))`, context.range, step, {
    signal: context.signal,
  });
  const bins = new Map();
  for (const { labels, points } of found) {
    for (const [at, value] of points) {
      const from = at - step * 1000;
      if (!bins.has(from)) bins.set(from, { at: from, parts: {} });
      const level = levelName((labels.severity_text ?? '').toUpperCase());
      bins.get(from).parts[level] = (bins.get(from).parts[level] ?? 0) + value;
    }
  }
  return { step, bins: [...bins.values()].sort((a, b) => a.at - b.at) };
}

function drawCounts(context, { step, bins }) {
  const total = bins.reduce((sum, bin) => sum + Object.values(bin.parts).reduce((all, each) => all + each, 0), 0);
  if (!total) return h('p.muted', null, 'No line in this time.');
  return barChart({
    title: 'Lines by level',
    note: `${number(total)} in all, in bars of ${step} s`,
    bins,
    stepMs: step * 1000,
    parts: LEVELS,
    range: { ...context.range },
    onPick: (from, to) => between(context, from, to),
  });
}

function tailButton(context, live) {
  return h(
    'button',
    {
      type: 'button',
      'aria-pressed': String(live),
      class: live ? 'live on' : 'live',
      onclick: () => context.go(changed({ live: live ? null : '1' })),
    },
    live ? 'Stop the live tail' : 'Live tail',
  );
}

function drawLines(context, found) {
  const full = found.length >= LIMIT ? `The newest ${LIMIT} lines` : plural(found.length, 'line');
  return [
    h('div.table-tools', null, h('h2', null, full), h('span.spring'), tailButton(context, false)),
    found.length
      ? h(
          'ol.log-lines',
          null,
          found.map((line) => h('li', null, logLine(context, line))),
        )
      : empty('No line matches', 'Look at a longer time, or begin with `{service_name=~".+"}` and narrow it.'),
  ];
}

/** Asks for what is new every other second; the newest line stands first. */
class Tail {
  constructor(context, query, place) {
    Object.assign(this, { context, query, seen: new Set(), from: BigInt(Date.now()) * 1_000_000n - 30_000_000_000n, count: 0 });
    const pauseId = newId('tail');
    this.list = h('ol.log-lines', { 'aria-label': 'Live lines, the newest first' });
    this.state = h('span.muted', { id: pauseId });
    this.problem = h('div');
    fill(
      place,
      h('div.table-tools', null, h('h2', null, 'Live'), this.state, h('span.spring'), tailButton(context, true)),
      this.problem,
      this.list,
    );
    this.timer = setInterval(() => this.look(), TAIL_EVERY_MS);
    this.end = () => clearInterval(this.timer);
    this.look();
  }

  async look() {
    if (document.hidden || this.looking) return;
    this.looking = true;
    try {
      const to = BigInt(Date.now() + 1000) * 1_000_000n;
      this.add(await loki.lines(this.query, { from: this.from, to }, TAIL_LIMIT, { signal: this.context.signal }));
      fill(this.problem);
    } catch (error) {
      if (error.name !== 'AbortError') fill(this.problem, failure(error));
    } finally {
      this.looking = false;
    }
  }

  add(found) {
    const fresh = found.filter((line) => !this.seen.has(keyOf(line)));
    for (const line of fresh) this.seen.add(keyOf(line));
    const rows = fresh.map((line) => h('li.fresh', null, logLine(this.context, line)));
    this.list.prepend(...rows);
    while (this.list.childElementCount > KEPT) this.list.lastElementChild.remove();
    this.count += fresh.length;
    const newest = found[0]?.ns;
    if (newest && newest - TAIL_OVERLAP_NS > this.from) this.from = newest - TAIL_OVERLAP_NS;
    this.forget();
    this.state.textContent = this.count ? `${plural(this.count, 'line')} so far` : 'waiting for the first line …';
  }

  /** Only lines that can come again are remembered. */
  forget() {
    for (const key of this.seen) {
      if (BigInt(key.slice(0, key.indexOf(' '))) < this.from) this.seen.delete(key);
    }
  }
}

const keyOf = (line) => `${line.ns} ${line.service} ${line.spanId} ${line.body}`;
