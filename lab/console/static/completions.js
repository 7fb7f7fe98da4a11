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
  const text = whole.slice(0, caret);
  const quote = openQuote(text);
  const asked = /([\w:.-]+)\s*(=|!=|=~|!~|>=|<=|>|<)\s*("?[^"\s]*)$/.exec(quote < 0 ? text : text.slice(0, quote + 1));
  if (asked) return traceValues(asked[1], whole, text, quote);
  if (quote >= 0) return NOTHING;
  if (!text.trim())
    return { from: 0, items: items(['{ status = error }', '{ duration > 100ms }', '{ resource.service.name = "gateway" }']) };
  const [word] = /[\w:.]*$/.exec(text);
  const from = caret - word.length;
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

async function traceValues(field, whole, text, quote) {
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

export async function completeLogQL(whole, caret) {
  const text = whole.slice(0, caret);
  const quote = openQuote(text);
  if (quote >= 0) return logValues(text, quote);
  if (!text.trim()) return { from: 0, items: items(['{service_name=~".+"}', '{service_name="gateway"}'], 'all, one service') };
  const [word] = /\w*$/.exec(text);
  const from = caret - word.length;
  const inside = text.lastIndexOf('{') > text.lastIndexOf('}');
  if (!inside)
    return {
      from: /[|!][=~]?\s*\w*$/.test(text) ? caret - /[|!][=~]?\s*\w*$/.exec(text)[0].length : from,
      items: matching(items(STAGES, 'filter'), word),
    };
  const names = await once('log labels', () => loki.labels());
  return {
    from,
    items: matching(
      items(
        names.map((name) => `${name}="`),
        'label',
      ),
      word,
    ),
  };
}

async function logValues(text, quote) {
  const label = /(\w+)\s*(=|!=|=~|!~)\s*$/.exec(text.slice(0, quote));
  if (!label) return NOTHING;
  const known =
    label[1] === 'severity_text'
      ? ['INFO', 'WARNING', 'ERROR', 'CRITICAL', 'DEBUG']
      : await once(`log ${label[1]}`, () => loki.values(label[1]));
  const typed = text.slice(quote + 1);
  return {
    from: quote + 1,
    items: matching(items(known, label[1]), typed).map((item) => ({ ...item, text: `${item.text}"` })),
  };
}

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
  const text = whole.slice(0, caret);
  const quote = openQuote(text);
  const [word] = /[\w:]*$/.exec(text);
  const from = caret - word.length;
  const brace = text.lastIndexOf('{');
  const inside = brace > text.lastIndexOf('}');
  const metric = inside ? /([\w:]+)\s*$/.exec(text.slice(0, brace))?.[1] : undefined;
  if (quote >= 0) return inside ? promValues(text, quote, metric) : NOTHING;
  if (inside)
    return {
      from,
      items: matching(
        items(
          (await once(`labels ${metric}`, () => prometheus.labels(metric))).map((name) => `${name}="`),
          'label',
        ),
        word,
      ),
    };
  const by = /\b(by|without|on)\s*\(\s*(?:\w+\s*,\s*)*\w*$/.test(text);
  if (by) return { from, items: matching(items(await once('labels', () => prometheus.labels()), 'label'), word) };
  if (!word) return NOTHING;
  const names = await once('metrics', () => prometheus.names());
  return { from, items: matching([...items(names, 'metric'), ...items(FUNCTIONS, 'function')], word) };
}

async function promValues(text, quote, metric) {
  const label = /(\w+)\s*(=|!=|=~|!~)\s*$/.exec(text.slice(0, quote));
  if (!label) return NOTHING;
  const values = await once(`values ${label[1]} ${metric}`, () => prometheus.values(label[1], metric));
  return {
    from: quote + 1,
    items: matching(items(values, label[1]), text.slice(quote + 1)).map((item) => ({ ...item, text: `${item.text}"` })),
  };
}
