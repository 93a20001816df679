// Line charts over time, by uPlot, each with a legend that is text.

import { colour } from "./colours.js";
import { element, setText } from "./dom.js";

const FONT = "11px system-ui, sans-serif";
const SYNC = "millpond";

const alpha = (hex, part) => hex + Math.round(part * 255).toString(16).padStart(2, "0");

/**
 * A chart. `series` are `{name, colour, fill?, dashed?, step?, scale?, text}`; `scales` are
 * `{name: {text, log?, least?, right?}}`, where `text` formats a value of the axis.
 */
export class Chart {
  constructor(host, legend, series, scales) {
    Object.assign(this, { host, legend, series, data: [[], ...series.map(() => [])] });
    this.values = series.map((one) => this.#legendEntry(one));
    this.plot = new uPlot(this.#options(scales), this.data, host);
    new ResizeObserver(() => this.#resize()).observe(host);
  }

  show(times, columns, range) {
    this.range = range;
    this.data = [times, ...columns];
    this.plot.setData(this.data, true);
    this.#showValues(this.plot.cursor.idx ?? times.length - 1);
  }

  redraw() {
    this.plot.redraw(false, true);
  }

  #legendEntry({ name, colour: role, dashed }) {
    const entry = element("li");
    entry.append(element("i", dashed ? `${role} dashed` : role), `${name} `);
    const value = element("b", "", "–");
    entry.append(value);
    this.legend.append(entry);
    return value;
  }

  #showValues(index) {
    this.series.forEach(({ text }, at) => {
      const value = this.data[at + 1][index];
      setText(this.values[at], value == null ? "–" : text(value));
    });
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.host;
    if (width > 0 && (width !== this.plot.width || height !== this.plot.height)) this.plot.setSize({ width, height });
  }

  #options(scales) {
    const rules = { x: { time: true, range: () => this.range ?? [0, 1] } };
    const axes = [{
      ...this.#axis(), space: 90, size: 26, incrs: [5, 10, 15, 30, 60, 120, 180, 300],
      values: (_, times) => times.map((time) => new Date(time * 1000).toLocaleTimeString("en-GB")),
    }];
    for (const [name, scale] of Object.entries(scales)) {
      rules[name] = scale.log
        ? { distr: 3, log: 10, range: (_, low, high) => logRange(low, high) }
        : { range: (_, low, high) => [0, Math.max(scale.least ?? 1, (high ?? 0) * 1.12)] };
      axes.push({
        ...this.#axis(scale), scale: name, side: scale.right ? 1 : 3, size: scale.right ? 54 : 50, space: 26,
        values: (_, splits) => splits.map((value) => (value == null ? "" : scale.text(value))),
        ...(scale.whole ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4, 2e4, 5e4, 1e5, 1e6] } : {}),
      });
    }
    return {
      width: this.host.clientWidth || 300, height: this.host.clientHeight || 190, scales: rules, axes,
      padding: [8, Object.values(scales).some((scale) => scale.right) ? 0 : 28, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: SYNC }, drag: { x: false, y: false }, y: false, points: { size: 6 } },
      series: [{}, ...this.series.map((one) => line(one))],
      hooks: { setCursor: [(plot) => this.#showValues(plot.cursor.idx ?? this.data[0].length - 1)] },
    };
  }

  #axis({ right = false, log = false } = {}) {
    return {
      stroke: () => colour("soft"), font: FONT, ticks: { show: false }, gap: 6,
      grid: { show: !right, stroke: () => colour("grid"), width: 1, ...(log ? { filter: powersOfTen } : {}) },
    };
  }
}

function line({ colour: role, fill, dashed, step, scale = "y" }) {
  const name = role === "s4" ? "soft" : role;
  return {
    scale, width: 1.75, points: { show: false }, spanGaps: false,
    stroke: () => colour(name),
    fill: fill ? () => alpha(colour(name), 0.13) : undefined,
    dash: dashed ? [5, 4] : undefined,
    paths: step ? uPlot.paths.stepped({ align: 1 }) : undefined,
  };
}

/** The lines of a logarithmic axis: those between two powers of ten are left out. */
const powersOfTen = (_, splits) => splits.map((value) => (Math.abs(Math.log10(value) % 1) < 1e-6 ? value : null));

/** Whole powers of ten around the values. */
function logRange(low, high) {
  if (!(low > 0) || !(high > 0)) return [1e-6, 1];
  const from = 10 ** Math.floor(Math.log10(low));
  const to = 10 ** Math.ceil(Math.log10(high));
  return from === to ? [from, to * 10] : [from, to];
}
