// Numbers as people read them.

/** 87 µs, 3.2 ms, 1.25 s, 4.1 min from nanoseconds; as lab/waterfall.py prints them. */
export function duration(ns) {
  const size = Math.abs(ns);
  if (size < 1e6) return `${(ns / 1e3).toFixed(size < 1e4 && size % 1e3 ? 1 : 0)} µs`;
  if (size < 1e9) return `${(ns / 1e6).toFixed(1)} ms`;
  return size < 120e9 ? `${(ns / 1e9).toFixed(2)} s` : `${(ns / 60e9).toFixed(1)} min`;
}

export const seconds = (value) => (Number.isFinite(value) ? duration(value * 1e9) : '–');

/** The same without a fraction of a millisecond, where space is short. */
export const roughSeconds = (value) => (value >= 0.01 && value < 1 ? `${Math.round(value * 1e3)} ms` : seconds(value));

/** Three digits or so, with k, M, G for what is large. */
export function number(value) {
  if (!Number.isFinite(value)) return value === Infinity ? '∞' : value === -Infinity ? '−∞' : '–';
  const size = Math.abs(value);
  if (size >= 1e9) return `${trim(value / 1e9)} G`;
  if (size >= 1e6) return `${trim(value / 1e6)} M`;
  if (size >= 1e4) return `${trim(value / 1e3)} k`;
  if (size !== 0 && size < 0.001) return value.toExponential(1);
  return trim(value);
}

function trim(value) {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return String(Number(value.toFixed(digits)));
}

/** A share as a percentage; small ones keep their digits. */
export function percent(share) {
  if (!Number.isFinite(share)) return '–';
  if (share === 0) return '0 %';
  const value = share * 100;
  const size = Math.abs(value);
  return `${size >= 10 ? trim1(value) : value.toFixed(size >= 1 ? 1 : 2)} %`;
}

const trim1 = (value) => String(Number(value.toFixed(Math.abs(value) >= 99 && Math.abs(value) < 100 ? 2 : 1)));

export const rate = (value) => (Number.isFinite(value) ? `${number(value)}/s` : '–');

export function bytes(value) {
  const size = Math.abs(value);
  if (size >= 1e9) return `${trim(value / 1e9)} GB`;
  if (size >= 1e6) return `${trim(value / 1e6)} MB`;
  return size >= 1e3 ? `${trim(value / 1e3)} kB` : `${trim(value)} B`;
}

/** How to print the values of a PromQL expression, by the names in it. */
export function formatFor(expression) {
  if (/rate\(|_ratio|slo:|count\(/.test(expression) && !/quantile|_sum|seconds/.test(expression)) return number;
  if (/quantile|delay|seconds_sum|_seconds\b(?!_count|_bucket)/.test(expression) && !/timestamp/.test(expression))
    return seconds;
  return /bytes/.test(expression) ? bytes : number;
}

/** 1 span, 2 spans. */
export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}
