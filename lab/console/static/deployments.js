// When something was deployed: marks for the charts.

import { ApiError } from './api.js';

/** [{at (ms), title}] since the page's range began. Charts do without where the lab cannot say. */
export async function deploymentMarks({ api, range, signal }) {
  try {
    const { deployments } = await api.get('/api/deployments', { since: (range.from / 1000).toFixed(3) }, { signal });
    return deployments.map(({ time, text }) => ({ at: time * 1000, title: text }));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    console.info('No deployments are known:', error.message);
    return [];
  }
}
