/** A live chart of some of a device's numbers; exists only while its card is in view. */

import uPlot from "./vendor/uPlot.esm.js";

import { decimalsOf, numberText, timeText } from "./format.js";

const LOWEST = 148; // pixels
const SPAN = 600; // seconds at most
const SHORTEST_SPAN = 30; // so that the first readings do not race across

const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(name).trim(); // asked at each drawing, so that it follows light and dark

/**
 * `series`: `[{point, axis, unit, colour}]`, of at most two axes. `gaps`: `[{from, to}]`, shaded.
 * `onHover(text)` gets what lies under the pointer, "" when nothing does.
 */
export class Chart {
  #history;
  #series;
  #gaps;
  #now;
  #plot;
  #observer;

  constructor(container, { history, series, gaps, now, onHover }) {
    this.#history = history;
    this.#series = series;
    this.#gaps = gaps;
    this.#now = now;
    const axes = [...new Set(series.map(({ axis }) => axis))];
    this.#plot = new uPlot(
      {
        ...sizeOf(container),
        padding: [10, axes.length > 1 ? 0 : 10, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { setScale: false, x: false, y: false }, points: { size: 7 } },
        scales: { x: { time: true, range: () => this.#window() } },
        axes: [timeAxis(), ...axes.map((axis, index) => valueAxis(axis, index))],
        series: [{}, ...series.map((one) => line(one))],
        hooks: {
          drawClear: [(plot) => this.#shadeGaps(plot)],
          setCursor: [(plot) => onHover(this.#under(plot.cursor.idx))],
        },
      },
      this.#columns(),
      container,
    );
    this.#observer = new ResizeObserver(() => {
      const size = sizeOf(container);
      if (size.width !== this.#plot.width || size.height !== this.#plot.height) this.#plot.setSize(size);
    });
    this.#observer.observe(container);
  }

  draw() {
    this.#plot.setData(this.#columns());
  }

  /** Colours changed. */
  repaint() {
    this.#plot.redraw(false, true);
  }

  remove() {
    this.#observer.disconnect();
    this.#plot.destroy();
  }

  #columns() {
    return [this.#history.times, ...this.#series.map(({ point }) => this.#history.column(point))];
  }

  /** The time that is shown: up to now, so that a device that went silent drifts away to the left. */
  #window() {
    const now = this.#now();
    const last = this.#history.times.at(-1) ?? now;
    const first = this.#history.times[0] ?? now;
    const end = Math.max(last, Math.min(now, last + SPAN / 2));
    return [Math.max(Math.min(first, end - SHORTEST_SPAN), end - SPAN), end];
  }

  #under(index) {
    if (index === null || index === undefined) return "";
    const parts = this.#series.map(({ point, unit }) => {
      const value = this.#history.column(point)[index];
      return typeof value === "number" ? `${numberText(value)} ${unit}`.trim() : null;
    });
    return [timeText(this.#history.times[index]), ...parts.filter((part) => part !== null)].join(" · ");
  }

  #shadeGaps(plot) {
    const { ctx } = plot;
    const { left, top, width, height } = plot.bbox;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    ctx.fillStyle = colour("--gap");
    for (const { from, to } of this.#gaps) {
      const begin = plot.valToPos(from, "x", true);
      const end = Math.max(plot.valToPos(to, "x", true), begin + 2);
      ctx.fillRect(begin, top, end - begin, height);
    }
    ctx.restore();
  }
}

const sizeOf = ({ clientWidth, clientHeight }) => ({
  width: Math.max(clientWidth, 120),
  height: Math.max(clientHeight, LOWEST),
});

const FONT = "11px system-ui, sans-serif";

function timeAxis() {
  return {
    font: FONT,
    size: 26,
    gap: 4,
    space: 74,
    stroke: () => colour("--ink-soft"),
    grid: { show: false },
    ticks: { show: false },
    values: (_, splits) => splits.map((time) => (Number.isInteger(time) ? timeText(time) : "")),
  };
}

/** The first axis stands on the left with the grid, the second on the right. */
function valueAxis(axis, index) {
  return {
    scale: scaleOf(axis),
    side: index === 0 ? 3 : 1,
    font: FONT,
    size: (plot, values) => 14 + 6.2 * Math.max(3, ...(values ?? []).map((value) => String(value).length)),
    gap: 4,
    space: 30,
    stroke: () => colour("--ink-soft"),
    grid: { show: index === 0, stroke: () => colour("--grid"), width: 1 },
    ticks: { show: false },
    values: (_, splits, __, space, step) => {
      const decimals = decimalsOf(step); // as many as tell two ticks apart
      const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
      return splits.map((value) => value.toLocaleString(undefined, digits));
    },
  };
}

function line({ axis, colour: name }) {
  return {
    scale: scaleOf(axis),
    stroke: () => colour(name),
    width: 1.75,
    points: { show: (plot) => plot.data[0].length < 2 },
  };
}

// Never a bare name: an axis called "x" would be the time's scale.
const scaleOf = (axis) => `axis ${axis}`;
