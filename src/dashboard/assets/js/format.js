// Numbers and times as people read them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

const digits = (value) => (value === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2);

/** A count, in full below 100,000: 1,234; 123 k; 4.5 M. */
export function count(value) {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) < 1e5) return whole.format(value);
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    if (Math.abs(value) >= size) return `${(value / size).toFixed(digits(value / size))} ${unit}`;
  }
  return whole.format(value);
}

/** A count, in full. */
export const exact = (value) => (Number.isFinite(value) ? whole.format(value) : "–");

/** A small number with a digit after the point, unless that is zero. */
export const tenth = (value) => (Number.isFinite(value) ? value.toFixed(1).replace(".0", "") : "–");

/** A rate: two digits after the point while it is small. */
export function rate(value) {
  if (!Number.isFinite(value)) return "–";
  return value >= 100 || value === 0 ? count(value) : value.toFixed(value >= 10 ? 1 : 2);
}

/** A time, given in seconds: 850 us, 12.3 ms, 4.20 s, 3 min. */
export function time(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds <= 0) return "0 s";
  if (seconds < 1e-3) return `${(seconds * 1e6).toFixed(digits(seconds * 1e6))} µs`;
  if (seconds < 1) return `${(seconds * 1e3).toFixed(digits(seconds * 1e3))} ms`;
  if (seconds < 120) return `${seconds.toFixed(digits(seconds))} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

/** A time without digits after the point, for axes. */
export function tick(seconds) {
  if (!Number.isFinite(seconds)) return "more";
  if (seconds === 0) return "0";
  if (seconds < 0.9995e-3) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1e3)} ms`;
  return `${Math.round(seconds)} s`;
}

/** How long ago something was. */
export function ago(seconds) {
  return seconds < 1 ? "now" : `${time(Math.floor(seconds)).replace(/\.\d+/, "")} ago`;
}

/** Bytes in binary units. */
export function bytes(value) {
  if (!Number.isFinite(value)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${unit === 0 ? whole.format(value) : value.toFixed(digits(value))} ${units[unit]}`;
}

/** A part of one, in percent. */
export const percent = (part) => (Number.isFinite(part) ? `${(part * 100).toFixed(part < 0.0995 && part > 0 ? 1 : 0)} %` : "–");

/** The time of day. */
export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB");

/** "queue_full" as "queue full". */
export const words = (name) => name.replaceAll("_", " ");
