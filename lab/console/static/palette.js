// One colour for each service, the same on every page; classes, so that both themes have their own.

import { h } from './dom.js';

const KNOWN = { gateway: 1, orchestrator: 2, feature_store: 3, nlp_model: 4, cv_model: 5, redis: 6, user: 0 };
const LEVELS = {
  CRITICAL: 'critical',
  ERROR: 'error',
  WARNING: 'warning',
  WARN: 'warning',
  INFO: 'info',
  DEBUG: 'debug',
  TRACE: 'debug',
};

/** The class of a service: c0 … c8. */
export function colour(service) {
  if (service in KNOWN) return `c${KNOWN[service]}`;
  let sum = 0;
  for (const letter of service) sum = (sum * 31 + letter.codePointAt(0)) % 997;
  return `c${7 + (sum % 2)}`;
}

/** The class of the n-th series of a chart. */
export const seriesColour = (n) => `c${(n % 8) + 1}`;

/** The class of a log level. */
export const levelClass = (level) => `level-${LEVELS[level] ?? 'other'}`;

export function swatch(service) {
  return h(`span.swatch.${colour(service)}`, { 'aria-hidden': 'true' });
}

/** A service's name with its colour. */
export function serviceName(service) {
  return h('span.service', null, swatch(service), service);
}
