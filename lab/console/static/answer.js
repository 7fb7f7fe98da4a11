// The answer form: one cause, two, or nothing; the same for a drill and a game day.

import { append, fill, h, newId } from './dom.js';
import { failure } from './states.js';

const DRAFT = 'faultline-answer';
const COUNTS = [[1, 'One cause'], [2, 'Two causes'], [0, 'Nothing is wrong']];

/**
 * `choices` as `/api/drills/choices` gives them; `send(answers)` is awaited, and what it throws is shown.
 * `brief`: one cause without evidence and text, as a game day takes it. `traces()` names pinned traces: [{id, title}]. `draft`: the drill
 * for which this tab remembers what was filled in while its player looks at other pages.
 * Returns {place, use(traceId), disable(bool)}.
 */
export function answerForm(choices, { send, brief = false, traces = () => [], draft = null }) {
  const group = newId('count');
  const known = h('datalist', { id: newId('traces') });
  const causes = (brief ? [1] : [1, 2]).map((number) => cause(number, choices, known.id, brief));
  const out = h('div', { 'aria-live': 'polite' });
  const button = h('button.primary', { type: 'submit' }, 'Answer');
  const counts = COUNTS.filter(([count]) => !brief || count === 1 || count === 0);

  const chosen = () => Number(place.querySelector(`[name="${group}"]:checked`).value);
  const shape = () => causes.forEach((each, index) => each.show(index < chosen()));
  const answers = () => (chosen() ? causes.slice(0, chosen()).map((each) => each.value()) : [nothing(choices)]);

  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    fill(out, h('p.loading', null, 'Your answer is being read …'));
    try {
      await send(answers());
      fill(out);
    } catch (error) {
      fill(out, failure(error));
    } finally {
      button.disabled = false;
    }
  }

  const place = h('form.answer', { onsubmit: submit, oninput: () => keep(), onfocusin: () => fill(known, traces().map((each) => h('option', { value: each.id }, each.title))) },
    h('fieldset.counts', null, h('legend', null, 'What do you say?'), counts.map(([count, text]) => h('label', null,
      h('input', { type: 'radio', name: group, value: count, checked: count === 1, onchange: shape }), ' ', text))),
    causes.map((each) => each.place), known, h('p.buttons', null, button), out);
  restore();
  shape();

  function keep() {
    if (draft) sessionStorage.setItem(DRAFT, JSON.stringify({ draft, count: chosen(), causes: causes.map((each) => each.value()) }));
  }
  function restore() {
    const kept = JSON.parse(sessionStorage.getItem(DRAFT) ?? 'null');
    if (!draft || kept?.draft !== draft) return;
    place.querySelector(`[name="${group}"][value="${kept.count}"]`).checked = true;
    causes.forEach((each, index) => each.fill(kept.causes[index]));
  }

  return {
    place,
    use: (traceId) => {
      if (!chosen()) place.querySelector(`[name="${group}"][value="1"]`).click();
      (causes.find((each) => !each.place.hidden && !each.evidence()) ?? causes[0]).take(traceId);
      keep();
    },
    disable: (yes) => { button.disabled = yes; },
  };
}

const nothing = ({ nothing: word }) => ({ service: '', operation: '', kind: word, trace_id: '', text: '' });

/** The fields of one cause. The operations offered are those of the chosen service. */
function cause(number, choices, known, brief) {
  const service = select('Service', choices.services, () => offer());
  const operation = select('Operation', choices.operations);
  const kind = select('Kind', choices.kinds.filter((each) => each !== choices.nothing));
  const trace = text('Evidence: the id of a trace that shows it', { list: known, pattern: '[0-9a-fA-F]{16,32}', maxlength: 32, title: '32 hexadecimal digits' });
  const words = text('In your own words', { maxlength: 2000 });
  const fields = brief ? [service, operation, kind] : [service, operation, kind, trace, words];
  const place = h('fieldset.cause', null, h('legend', null, brief ? 'Cause' : `Cause ${number}`), fields.map((each) => each.place));

  function offer() {
    const here = choices.by_service[service.input.value] ?? choices.operations;
    const before = operation.input.value;
    options(operation.input, here);
    operation.input.value = here.includes(before) ? before : '';
  }

  return {
    place,
    show: (yes) => { place.hidden = !yes; place.disabled = !yes; },
    evidence: () => trace.input.value.trim(),
    take: (id) => { trace.input.value = id; trace.input.focus(); },
    fill: (said) => {
      service.input.value = said.service;
      offer();
      operation.input.value = said.operation;
      kind.input.value = said.kind;
      trace.input.value = said.trace_id;
      words.input.value = said.text;
    },
    value: () => ({
      service: service.input.value, operation: operation.input.value, kind: kind.input.value,
      trace_id: trace.input.value.trim().toLowerCase(), text: words.input.value.trim(),
    }),
  };
}

function select(label, all, changed) {
  const input = h('select', { required: label === 'Kind', onchange: changed });
  options(input, all);
  return field(label, input);
}

function options(input, all) {
  fill(input, h('option', { value: '' }, '–'));
  append(input, all.map((each) => h('option', { value: each }, each)));
}

function text(label, props) {
  return field(label, h('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', ...props }));
}

function field(label, input) {
  input.id = newId('field');
  return { input, place: h('div.ask', null, h('label', { for: input.id }, label), input) };
}
