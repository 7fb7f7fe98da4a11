// What may come next in a TraceQL, LogQL or PromQL query: names and values from the backends, words of the languages.

import { loki, prometheus, tempo } from './backends.js';

const KEEP_MS = 30_000;
const kept = new Map();

/** An answer that was asked for within the last half minute, or a new one. */
async function once(key, load) {
  const found = kept.get(key);
  if (found && Date.now() - found.at < KEEP_MS) return found.answer;
  const answer = load();
  kept.set(key, { at: Date.now(), answer });
  answer.catch(() => kept.delete(key));
  return answer;
}

/** Items that hold what is typed, those that begin with it first. */
function matching(items, typed) {
  const word = typed.toLowerCase();
  const hits = items.filter((item) => item.text.toLowerCase().includes(word) && item.text !== typed);
  return hits.sort((a, b) => rank(a, word) - rank(b, word));
}

const rank = (item, word) => (item.text.toLowerCase().startsWith(word) ? 0 : 1) + (item.last ? 4 : 0);
const items = (names, detail) => names.map((text) => ({ text, detail }));
const NOTHING = { from: 0, items: [] };

/** Whether the caret stands within a quoted string that is still open: where it began, or -1. */
function openQuote(text) {
  let from = -1;
  for (let n = 0; n < text.length; n += 1) {
    if (text[n] === '\\') n += 1;
    else if (text[n] === '"') from = from < 0 ? n : -1;
  }
  return from;
}

/** What stands before the caret: {text, quote (as openQuote), word, from}; `ending` matches the word that is being typed. */
function before(whole, caret, ending) {
  const text = whole.slice(0, caret);
  const [word] = ending.exec(text);
  return { text, quote: openQuote(text), word, from: caret - word.length };
}

/** A label's values within the quote that is open; `valuesOf(label)` knows them. */
async function labelValues(text, quote, valuesOf) {
  const label = /(\w+)\s*(=|!=|=~|!~)\s*$/.exec(text.slice(0, quote))?.[1];
  if (!label) return NOTHING;
  const found = matching(items(await valuesOf(label), label), text.slice(quote + 1));
  return { from: quote + 1, items: found.map((item) => ({ ...item, text: `${item.text}"` })) };
}

const labelNames = (names, word) =>
  matching(
    items(
      names.map((name) => `${name}="`),
      'label',
    ),
    word,
  );

// ---- TraceQL ----

const FIRST = ['name', 'status', 'kind', 'duration', 'rootServiceName', 'rootName', 'trace:duration', 'statusMessage'];
const PIPES = [
  'count() > 1',
  'avg(duration) > 50ms',
  'max(duration) > 100ms',
  'select(span.http.route)',
  'by(resource.service.name)',
];

export async function completeTraceQL(whole, caret) {
  const { text, quote, word, from } = before(whole, caret, /[\w:.]*$/);
  const asked = /([\w:.-]+)\s*(=|!=|=~|!~|>=|<=|>|<)\s*("?[^"\s]*)$/.exec(quote < 0 ? text : text.slice(0, quote + 1));
  if (asked) return traceValues(asked[1], text, quote);
  if (quote >= 0) return NOTHING;
  if (!text.trim())
    return { from: 0, items: items(['{ status = error }', '{ duration > 100ms }', '{ resource.service.name = "gateway" }']) };
  if (/\|\s*[\w.]*$/.test(text) && !/\|\|\s*[\w.]*$/.test(text))
    return { from, items: matching(items(PIPES, 'pipeline'), word) };
  if (/[\w"]\s+$/.test(text)) return { from, items: items(['&& ', '|| ', '}'], 'and, or, end') };
  return { from, items: matching(await traceFields(), word) };
}

async function traceFields() {
  const scopes = await once('scopes', () => tempo.scopes());
  const named = scopes
    .filter((scope) => scope.name !== 'intrinsic')
    .flatMap((scope) =>
      scope.tags.map((tag) => ({
        text: `${scope.name}.${/[^\w.]/.test(tag) ? `"${tag}"` : tag}`,
        detail: scope.name,
        last: !/resource\.service\.name|ml\.|http\.|db\./.test(`${scope.name}.${tag}`),
      })),
    );
  const own = scopes.find((scope) => scope.name === 'intrinsic')?.tags ?? [];
  return [
    ...items(FIRST, 'intrinsic'),
    ...named,
    ...items(
      own.filter((tag) => !FIRST.includes(tag)),
      'intrinsic',
    ).map((item) => ({ ...item, last: true })),
  ];
}

async function traceValues(field, text, quote) {
  const typed = quote < 0 ? /[\w.]*$/.exec(text)[0] : text.slice(quote + 1);
  const from = quote < 0 ? text.length - typed.length : quote;
  if (/duration/i.test(field))
    return { from, items: matching(items(['10ms', '50ms', '100ms', '250ms', '1s'], 'duration'), typed) };
  const values = await once(`tag ${field}`, () => tempo.values(field, ''));
  const shown = values.map(({ type, value }) => ({
    text: type === 'string' ? JSON.stringify(value) : value,
    detail: type,
    bare: value,
  }));
  const word = typed.toLowerCase();
  return { from, items: shown.filter((item) => item.bare.toLowerCase().includes(word) && !(quote < 0 && item.text === typed)) };
}

// ---- LogQL ----

const STAGES = [
  '|= "',
  '!= "',
  '|~ "',
  '| severity_text="',
  '| severity_text=~"WARNING|ERROR|CRITICAL"',
  '| trace_id="',
  '| model_version="',
  '| json',
  '| logfmt',
];

const LEVELS = ['INFO', 'WARNING', 'ERROR', 'CRITICAL', 'DEBUG'];

export async function completeLogQL(whole, caret) {
  const { text, quote, word, from } = before(whole, caret, /\w*$/);
  if (quote >= 0) return labelValues(text, quote, logValues);
  if (!text.trim()) return { from: 0, items: items(['{service_name=~".+"}', '{service_name="gateway"}'], 'all, one service') };
  if (text.lastIndexOf('{') > text.lastIndexOf('}'))
    return { from, items: labelNames(await once('log labels', () => loki.labels()), word) };
  const [stage] = /([|!][=~]?\s*\w*)?$/.exec(text);
  return { from: stage ? caret - stage.length : from, items: matching(items(STAGES, 'filter'), word) };
}

const logValues = (label) => (label === 'severity_text' ? LEVELS : once(`log ${label}`, () => loki.values(label)));

// ---- PromQL ----

const FUNCTIONS = [
  'rate(',
  'increase(',
  'sum by (',
  'avg by (',
  'max by (',
  'min by (',
  'count by (',
  'histogram_quantile(0.99, ',
  'topk(5, ',
  'abs(',
  'changes(',
  'delta(',
  'max_over_time(',
  'avg_over_time(',
  'clamp_min(',
  'label_replace(',
];

export async function completePromQL(whole, caret) {
  const { text, quote, word, from } = before(whole, caret, /[\w:]*$/);
  const brace = text.lastIndexOf('{');
  const inside = brace > text.lastIndexOf('}');
  const metric = inside ? /([\w:]+)\s*$/.exec(text.slice(0, brace))?.[1] : undefined;
  const valuesOf = (label) => once(`values ${label} ${metric}`, () => prometheus.values(label, metric));
  if (quote >= 0) return inside ? labelValues(text, quote, valuesOf) : NOTHING;
  if (inside) return { from, items: labelNames(await once(`labels ${metric}`, () => prometheus.labels(metric)), word) };
  const by = /\b(by|without|on)\s*\(\s*(?:\w+\s*,\s*)*\w*$/.test(text);
  if (by) return { from, items: matching(items(await once('labels', () => prometheus.labels()), 'label'), word) };
  if (!word) return NOTHING;
  const names = await once('metrics', () => prometheus.names());
  return { from, items: matching([...items(names, 'metric'), ...items(FUNCTIONS, 'function')], word) };
}
