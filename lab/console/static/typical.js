// A typical trace to hold a slow one against: the one of median duration with the same root, from the time before it.

import { ApiError } from './api.js';
import { tempo } from './backends.js';

/** Edges, in seconds before the trace, of the times that are sampled: a search alone would bring only the last seconds. */
const BEFORE_S = [900, 600, 300, 120, 60, 30, 0];
const AFTER_S = 300; // where nothing came before
const EACH = 30;

/** The median trace's summary. Raises ApiError where there is nothing to choose from. */
export async function typicalOf(tree, trace, signal) {
  const { root } = tree;
  if (tree.orphans.has(root.id))
    throw new ApiError(404, 'No typical trace', 'The root of this trace is missing, so others like it cannot be found.');
  const ms = Number(trace.base / 1_000_000n);
  const query = `{ trace:rootService = ${JSON.stringify(root.service)} && trace:rootName = ${JSON.stringify(root.name)} }`;
  const search = async (from, to) => {
    const found = await tempo.search(query, { from: ms + from * 1000, to: ms + to * 1000 }, EACH, { signal });
    return found.filter((each) => each.id !== root.traceId);
  };
  const before = await Promise.all(BEFORE_S.slice(1).map((edge, n) => search(-BEFORE_S[n], -edge)));
  const others = before.flat().length ? before.flat() : await search(0, AFTER_S);
  if (!others.length)
    throw new ApiError(
      404,
      'No typical trace',
      `There is no other trace of ${root.service}: ${root.name} in the quarter of an hour before.`,
    );
  // One that lies in two of the times counts once.
  const known = [...new Map(others.map((each) => [each.id, each])).values()].sort((a, b) => a.ms - b.ms);
  return known[Math.floor(known.length / 2)];
}
