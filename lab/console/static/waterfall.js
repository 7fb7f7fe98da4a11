// One trace: its waterfall, where its time went, and the selected span in full with its own log lines.

import { loki, tempo } from './backends.js';
import { copyId, traceFacts } from './trace_facts.js';
import { pinButton } from './controls.js';
import { fill, h, icon, ICONS } from './dom.js';
import { openInGrafana } from './grafana.js';
import { empty, failure, loading, NOTHING_YET } from './states.js';
import { pathByService } from './trace_map.js';
import { parseTrace, operation, traceRemarks } from './trace_model.js';
import { traceView } from './trace_view.js';
import { spanDetail } from './span_detail.js';
import { typicalOf } from './typical.js';
import { duration } from './format.js';

export const title = 'Trace';
const LOOKED_FOR_S = 30; // how long Tempo may take to show a new trace
const AGAIN_MS = 3000;
const AROUND_NS = 120_000_000_000n; // log lines are looked for this long before and after: clocks differ

export async function show(main, context) {
  const id = context.path.split('/')[2].toLowerCase().padStart(32, '0');
  const trace = await arriving(main, context, id);
  if (!trace) return undefined;
  const page = new Page(main, context, id, trace);
  return () => page.view.end();
}

/** The trace, waited for while it may still be on its way; null where it did not come. */
async function arriving(main, context, id) {
  const until = Date.now() + LOOKED_FOR_S * 1000;
  for (;;) {
    const body = await tempo.trace(id, { signal: context.signal });
    const trace = body && parseTrace(body);
    if (trace?.spans.length) return trace;
    if (Date.now() > until) break;
    fill(
      main,
      h('h1', null, 'Trace'),
      loading(`Trace ${id} is not here yet; looking again for ${Math.ceil((until - Date.now()) / 1000)} s …`),
    );
    await new Promise((resolve) => {
      setTimeout(resolve, AGAIN_MS);
    });
    if (context.signal.aborted) return null;
  }
  fill(
    main,
    h('h1', null, 'Trace'),
    empty(
      `There is no trace ${id}`,
      `${NOTHING_YET} Traces are kept for some hours, and where they are sampled not all of them.`,
      h('p', null, h('a', { href: context.link('/traces') }, 'Look for others')),
    ),
  );
  return null;
}

class Page {
  constructor(main, context, id, trace) {
    Object.assign(this, { context, id, trace, lines: null, linked: new Map() });
    this.detail = h('aside.span-detail', { 'aria-label': 'The selected span', tabindex: 0 });
    const place = h('div.trace-view');
    this.headPlace = h('div');
    fill(main, this.headPlace, h('div.trace-split', null, place, this.detail));
    this.view = traceView(place, trace, {
      selected: context.query.get('span') ?? '',
      zoom: zoomIn(context.query),
      marks: markedIn(context),
      onSelect: (span, { quiet }) => this.selected(span, quiet),
      onZoom: (zoom) => context.keep({ zoom: zoom && `${Math.round(zoom.from)}-${Math.round(zoom.to)}` }),
    });
    fill(this.headPlace, this.head());
    this.selected(this.view.selected, true);
    this.loadLogs();
    document.addEventListener('keydown', (event) => this.anywhere(event), { signal: context.signal });
  }

  head() {
    const { context, trace, id } = this;
    const { root } = this.view.tree;
    const odd = traceRemarks(this.view.tree);
    const compare = h('button', { type: 'button', onclick: () => this.compare() }, 'Compare with a typical one');
    this.problem = h('div');
    return [
      h(
        'div.head',
        null,
        h('div.titles', null, h('h1', null, `${root.service}: ${operation(root)}`), copyId(id)),
        h(
          'div.tools',
          null,
          compare,
          h(
            'a.button',
            { href: context.link('/logs', { q: `{service_name=~".+"} | trace_id="${id}"`, ...this.around() }) },
            'All its log lines',
          ),
          pinButton(context, 'trace', {
            title: `${root.service}: ${operation(root)}, ${duration(root.end - root.start)}`,
            trace_id: id,
            time: Number(trace.base / 1_000_000n) / 1000,
          }),
          openInGrafana(context, () => [['traceql', id]], { at: this.around() }),
        ),
      ),
      this.problem,
      h('div.panel.trace-facts', null, traceFacts(this.view, trace), pathByService(this.view.segments)),
      odd.length > 0 &&
        h(
          'ul.remarks',
          null,
          odd.map((text) => h('li', null, icon(ICONS.warning), ` ${text}`)),
        ),
    ];
  }

  around() {
    const ms = Number(this.trace.base / 1_000_000n);
    return { from: ms - 60_000, to: ms + 120_000, last: null };
  }

  selected(span, quiet) {
    if (!this.view) return; // while the view is being made
    if (!quiet) this.context.keep({ span: span.id });
    this.drawDetail(span);
    this.lookForLinks(span);
  }

  drawDetail(span) {
    const lines = this.lines && (this.lines.get(span.id) ?? []);
    fill(
      this.detail,
      spanDetail(this.context, span, { view: this.view, trace: this.trace, lines, linkedBy: this.linked.get(span.id) }),
    );
  }

  async loadLogs() {
    try {
      const { base } = this.trace;
      const found = await loki.lines(
        `{service_name=~".+"} | trace_id="${this.id}"`,
        { from: base - AROUND_NS, to: base + AROUND_NS },
        1000,
        { signal: this.context.signal },
      );
      this.lines = Map.groupBy(found.reverse(), (line) => line.spanId);
      this.view.setLogs(this.lines);
      this.drawDetail(this.view.selected);
    } catch (error) {
      if (error.name !== 'AbortError')
        fill(
          this.problem,
          failure(error, () => this.loadLogs()),
        );
    }
  }

  /** Whose batches held this span: the links point from the batch's span to the waiting ones. */
  async lookForLinks(span) {
    if (operation(span) !== 'batch_wait' || this.linked.has(span.id)) return;
    const ms = Number(this.trace.base / 1_000_000n);
    try {
      const found = await tempo.search(`{ link:spanID = "${span.id}" }`, { from: ms - 30_000, to: ms + 60_000 }, 20, {
        signal: this.context.signal,
      });
      this.linked.set(
        span.id,
        found.map((each) => ({ traceId: each.id, spanId: each.matches[0]?.id ?? '' })),
      );
    } catch (error) {
      console.info('The links to this span could not be looked up:', error.message);
      this.linked.set(span.id, []);
    }
    if (this.view.selected === span) this.drawDetail(span);
  }

  async compare() {
    fill(this.problem);
    try {
      const other = await typicalOf(this.view.tree, this.trace, this.context.signal);
      await this.context.go(this.context.link(`/compare/${this.id}/${other.id}`));
    } catch (error) {
      if (error.name !== 'AbortError') fill(this.problem, failure(error));
    }
  }

  /** j, k and arrows work wherever the focus is, as long as nobody types or works a control. */
  anywhere(event) {
    if (event.defaultPrevented || event.target.closest?.('input, select, textarea, summary, dialog, [role=tree]')) return;
    if (
      !['j', 'k', 'ArrowDown', 'ArrowUp', 'ArrowLeft', 'ArrowRight', 'Escape'].includes(event.key) ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey
    )
      return;
    this.view.focus();
    this.view.key(event);
  }
}

function zoomIn(query) {
  const found = /^(\d+)-(\d+)$/.exec(query.get('zoom') ?? '');
  return found && Number(found[1]) < Number(found[2]) ? { from: Number(found[1]), to: Number(found[2]) } : undefined;
}

/** ?marks=SPAN,SPAN: spans that somebody wants to show, such as those of a worked solution. */
function markedIn({ query }) {
  return new Map(
    (query.get('marks') ?? '')
      .split(',')
      .filter(Boolean)
      .map((id) => [id, 'marked']),
  );
}
