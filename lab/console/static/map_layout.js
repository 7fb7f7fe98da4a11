// Where the map's nodes and edges lie: in ranks by distance from the callers, left to right, or downwards where it is
// narrow. Both are one plan of (along, across) that is turned at the end.

const NARROW = 760;
const PORT = 15;
/** The order within a rank at each look; others follow by name. */
const FIXED = ['user', 'gateway', 'orchestrator', 'nlp_model', 'cv_model', 'feature_store', 'redis'];

/** {nodes: [{name, x, y, width, height}], edges: [{…edge, path, labelX, labelY}], width, height, narrow} for a width in px. */
export function layOut(names, edges, width) {
  const all = [...new Set([...edges.flatMap((each) => [each.client, each.server]), ...names])];
  const ranks = ranked(all, edges);
  const narrow = width < NARROW;
  const lanes = lanesOf(all, ranks, edges);
  const size = narrow ? narrowSize(width, lanes) : wideSize(width, ranks);
  const nodes = all.map((name) => {
    const at = { along: size.margin + ranks.get(name) * size.rank, across: size.margin + lanes.get(name) * size.lane };
    return { name, ...turned(at, narrow), width: size.width, height: size.height };
  });
  const places = new Map(nodes.map((each) => [each.name, each]));
  const height = Math.max(...nodes.map((each) => each.y + each.height)) + size.margin;
  const plan = {
    ports: portsOf(edges, places, ranks, narrow),
    places,
    ranks,
    lanes,
    size,
    narrow,
    ends: new Set(all.filter((name) => !edges.some((each) => each.client === name))),
  };
  return { nodes, narrow, width, height, edges: edges.map((edge) => drawn(edge, plan)) };
}

const turned = ({ along, across }, narrow) => (narrow ? { x: across, y: along } : { x: along, y: across });

/** The longest way from a node that nobody calls; a circle ends the walk. */
function ranked(all, edges) {
  const ranks = new Map(all.map((name) => [name, 0]));
  for (let turn = 0; turn < all.length; turn += 1) {
    for (const { client, server } of edges) {
      if (client !== server && ranks.get(server) <= ranks.get(client))
        ranks.set(server, Math.min(ranks.get(client) + 1, all.length));
    }
  }
  return ranks;
}

/** Which lane a node lies in: the widest rank fills them; one that is alone lies beside its caller, or in the middle. */
function lanesOf(all, ranks, edges) {
  const levels = [...Map.groupBy(all, (name) => ranks.get(name))].sort((a, b) => a[0] - b[0]);
  const most = Math.max(...levels.map(([, level]) => level.length));
  const lanes = new Map();
  for (const [rank, level] of levels) {
    const place = (name) => (FIXED.includes(name) ? FIXED.indexOf(name) : FIXED.length);
    const callers = edges
      .filter((each) => each.server === level[0] && ranks.get(each.client) === rank - 1)
      .map((each) => lanes.get(each.client));
    if (level.length === 1 && callers.length)
      lanes.set(level[0], callers.reduce((sum, each) => sum + each, 0) / callers.length);
    else
      [...level]
        .sort((a, b) => place(a) - place(b) || a.localeCompare(b))
        .forEach((name, n) => lanes.set(name, n + (most - level.length) / 2));
  }
  return lanes;
}

/** Where an edge leaves and enters, in px beside the middle of the side: those of one side do not run together. */
function portsOf(edges, places, ranks, narrow) {
  const across = (name) => (narrow ? places.get(name).x : places.get(name).y);
  const near = edges.filter((each) => ranks.get(each.server) - ranks.get(each.client) === 1);
  const out = spread(near, 'client', (each) => across(each.server));
  const into = spread(near, 'server', (each) => across(each.client));
  const count = ({ client }) => near.filter((each) => each.client === client).length;
  return (edge) => ({ out: out.get(edge) ?? 0, into: into.get(edge) ?? 0, of: count(edge) });
}

/** By edge: its place among those of the same `end`, around 0. */
function spread(edges, end, order) {
  const found = new Map();
  for (const group of Map.groupBy(edges, (each) => each[end]).values()) {
    const sorted = [...group].sort((a, b) => order(a) - order(b));
    sorted.forEach((edge, n) => found.set(edge, (n - (sorted.length - 1) / 2) * PORT));
  }
  return found;
}

function wideSize(width, ranks) {
  const levels = Math.max(...ranks.values()) + 1;
  const margin = 14;
  const nodeWidth = Math.max(96, Math.min(144, (width - 2 * margin) / levels - 92));
  return {
    margin,
    width: nodeWidth,
    height: 76,
    lane: 156,
    rank: levels > 1 ? (width - 2 * margin - nodeWidth) / (levels - 1) : 0,
  };
}

function narrowSize(width, lanes) {
  const count = Math.max(...lanes.values()) + 1;
  const margin = 6;
  const lane = (width - 2 * margin) / count;
  return { margin, width: Math.min(lane - 8, 170), height: 74, lane, rank: 138 };
}

/** A curve from one node's side to the other's; one that skips a rank takes the gap between two lanes. */
function drawn(edge, plan) {
  const from = plan.places.get(edge.client);
  const to = plan.places.get(edge.server);
  const skips = plan.ranks.get(edge.server) - plan.ranks.get(edge.client) > 1;
  const ports = plan.ports(edge);
  const points = skips ? around(edge, from, to, plan) : straight(from, to, plan.narrow, ports);
  const [a, c, d, b] = points;
  const middle = bezier(a, c, d, b, labelAt(edge, { skips, from, to, ports }, plan));
  return { ...edge, path: `M${a.x} ${a.y}C${c.x} ${c.y} ${d.x} ${d.y} ${b.x} ${b.y}`, labelX: middle.x, labelY: middle.y };
}

/** How far along an edge its label stands: where edges part, beyond that; downwards the middle of a long way is crowded. */
function labelAt(edge, { skips, from, to, ports }, { narrow, ends }) {
  if (skips) return narrow && ends.has(edge.server) ? 0.84 : 0.5;
  if (narrow || ports.of < 2) return 0.5;
  return from.y === to.y ? 0.53 : 0.62;
}

function straight(from, to, narrow, { out, into }) {
  const [a, b] = narrow
    ? [
        { x: middleOf(from).x + out, y: from.y + from.height },
        { x: middleOf(to).x + into, y: to.y - 2 },
      ]
    : [
        { x: from.x + from.width, y: middleOf(from).y + out },
        { x: to.x - 2, y: middleOf(to).y + into },
      ];
  return narrow
    ? [a, { x: a.x, y: (a.y + b.y) / 2 }, { x: b.x, y: (a.y + b.y) / 2 }, b]
    : [a, { x: (a.x + b.x) / 2, y: a.y }, { x: (a.x + b.x) / 2, y: b.y }, b];
}

const middleOf = (node) => ({ x: node.x + node.width / 2, y: node.y + node.height / 2 });

function around(edge, from, to, { lanes, size, narrow, ends }) {
  const [near, far] = [lanes.get(edge.client), lanes.get(edge.server)];
  const lane =
    size.margin + (near === far ? near + 0.5 : (near + far) / 2) * size.lane + (narrow ? size.width : size.height) / 2;
  // A node at the end has its side free; into another the edge goes where the rank's own edges do.
  if (narrow) {
    const a = { x: from.x + from.width, y: middleOf(from).y };
    const b = ends.has(edge.server) ? { x: to.x + to.width * 0.12, y: to.y - 2 } : { x: to.x + to.width * 0.75, y: to.y - 2 };
    return ends.has(edge.server)
      ? [
          { x: from.x + from.width * 0.8, y: from.y + from.height },
          { x: lane, y: from.y + from.height + 40 },
          { x: lane, y: b.y - 40 },
          b,
        ]
      : [a, { x: b.x, y: a.y }, { x: b.x, y: a.y + 30 }, b];
  }
  const a = { x: from.x + from.width - 26, y: from.y + from.height };
  if (!ends.has(edge.server))
    return [
      a,
      { x: a.x + 30, y: lane + 30 },
      { x: to.x - 90, y: middleOf(to).y + 16 },
      { x: to.x - 2, y: middleOf(to).y + 16 },
    ];
  return [a, { x: a.x + 20, y: lane + 14 }, { x: middleOf(to).x, y: lane - 18 }, { x: middleOf(to).x, y: to.y - 2 }];
}

function bezier(a, b, c, d, t) {
  const u = 1 - t;
  const mix = (key) => u ** 3 * a[key] + 3 * u * u * t * b[key] + 3 * u * t * t * c[key] + t ** 3 * d[key];
  return { x: mix('x'), y: mix('y') };
}
