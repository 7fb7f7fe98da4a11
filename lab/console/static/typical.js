// A typical trace to hold a slow one against: the one of median duration with the same root, around the same time.

import { ApiError } from './api.js';
import { tempo } from './backends.js';

const AROUND_MS = 15 * 60_000;
const MOST = 200;

/** The median trace's summary. Raises ApiError where there is nothing to choose from. */
export async function typicalOf(tree, trace, signal) {
  const { root } = tree;
  if (tree.orphans.has(root.id))
    throw new ApiError(404, 'No typical trace', 'The root of this trace is missing, so others like it cannot be found.');
  const ms = Number(trace.base / 1_000_000n);
  const query = `{ trace:rootService = ${JSON.stringify(root.service)} && trace:rootName = ${JSON.stringify(root.name)} }`;
  const found = await tempo.search(query, { from: ms - AROUND_MS, to: Math.min(ms + AROUND_MS, Date.now()) }, MOST, { signal });
  const others = found.filter((each) => each.id !== root.traceId).sort((a, b) => a.ms - b.ms);
  if (!others.length)
    throw new ApiError(
      404,
      'No typical trace',
      `There is no other trace of ${root.service}: ${root.name} within a quarter of an hour.`,
    );
  return others[Math.floor(others.length / 2)];
}
