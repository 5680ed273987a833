/** One device: its state, its values, its chart, its controls. */

import { Chart } from "./chart.js";
import { controlFor } from "./control.js";
import { element, freshId, setData, setText } from "./dom.js";
import { spanText, titleOf, unitText } from "./format.js";
import { Health } from "./health.js";
import { History } from "./history.js";
import { Tile } from "./tile.js";

const STATES = new Map([
  ["online", "Online"],
  ["degraded", "Degraded"],
  ["offline", "Offline"],
  ["unknown", "Unknown"],
]);
const COLOURS = [1, 2, 3, 4, 5, 6].map((number) => `--line-${number}`); // of style.css
const FEW_TILES = 8; // more are folded away

export const stateText = (state) => STATES.get(state) ?? STATES.get("unknown");

const isNumeric = (point) => point?.type === "number" || point?.type === "integer";
const isControl = (point) => point?.writable === true;
const isTile = (point) => point?.type !== "action" && !(point?.type === "boolean" && point?.writable === true);

export class Card {
  element;
  history = new History();
  #dashboard; // {now, gaps, send(device, point, value, onState), cancel(key), look(device)}
  #device;
  #spelling = ""; // of the points that the card was built for
  #parts = {};
  #tiles = new Map();
  #controls = new Map();
  #points = new Map(); // declared ones, and those that only readings told of
  #shown = new Set(); // numeric points in the chart, in the order they were chosen
  #colours = new Map();
  #chart = null;
  #inView = false;
  #isLive = true;
  #unfolded = false;

  constructor(device, dashboard) {
    this.#dashboard = dashboard;
    this.#device = device;
    const titleId = freshId("device");
    const part = (name, tag, attributes = {}) => (this.#parts[name] = element(tag, { class: name, ...attributes }));
    part("card-title", "h2", { id: titleId });
    part("card-id", "p");
    part("card-make", "p");
    part("state", "span");
    part("reason", "p");
    part("tiles", "div");
    part("more", "button", { type: "button" });
    part("chart", "div", { role: "img" });
    part("chart-hover", "p", { "aria-hidden": "true" });
    part("chart-empty", "p", { text: "The chart begins with the next readings" });
    part("controls", "fieldset", { "aria-label": "Controls" });
    part("read-only", "p", { text: "Read only: this token may not switch this device." });
    this.#parts.more.addEventListener("click", () => this.#unfold());
    const { "card-title": title, "card-make": make, "card-id": id } = this.#parts;
    const names = element("div", { class: "card-names" }, title, make, id);
    const { state, reason, tiles, more, chart, controls } = this.#parts;
    const health = new Health({ look: () => dashboard.look(device.id), now: dashboard.now });
    const plot = element("div", { class: "chart-box" }, chart, this.#parts["chart-hover"], this.#parts["chart-empty"]);
    this.element = element(
      "article",
      { class: "card", "data-device": device.id, "aria-labelledby": titleId },
      element("header", { class: "card-head" }, names, state),
      reason,
      tiles,
      more,
      plot,
      controls,
      this.#parts["read-only"],
      health.element,
    );
    this.#parts.plot = plot;
    this.update(device);
  }

  get device() {
    return this.#device;
  }

  /** Show a device as it is now. */
  update(device) {
    this.#device = device;
    this.#build();
    this.refresh();
  }

  /** Numbers of a reading, for the chart. */
  record(time, values, isBad) {
    const numbers = [];
    for (const [point, value] of values) {
      if (!isNumeric(this.#points.get(point) ?? learnt(value))) continue;
      numbers.push([point, typeof value === "number" && !isBad(point) ? value : null]);
    }
    if (numbers.length > 0) this.history.add(time, numbers);
  }

  /** Write what changes by itself: values, and their ages. */
  refresh() {
    const now = this.#dashboard.now();
    const { name, id, make, state, reason, since, values } = this.#device;
    const parts = this.#parts;
    setText(parts["card-title"], name);
    setText(parts["card-id"], id);
    parts["card-id"].hidden = id === name;
    setText(parts["card-make"], make);
    parts["card-make"].hidden = make === "";
    setData(this.element, "state", STATES.has(state) ? state : "unknown");
    // What was true when the connection broke is not claimed now.
    setText(
      parts.state,
      this.#isLive || state === "unknown" ? stateText(state) : `Was ${stateText(state).toLowerCase()}`,
    );
    const ago = since === null ? "" : ` for ${spanText(Math.max(0, now - since))}`;
    setText(parts.reason, state === "online" ? "" : `${stateText(state)}${ago}${reason ? `: ${reason}` : ""}`);
    parts.reason.hidden = state === "online";
    for (const [point, tile] of this.#tiles) tile.update(values.get(point), now);
    for (const [point, control] of this.#controls) control.update(values.get(point), now);
  }

  draw() {
    if (this.#chart === null) return;
    const empty = this.#parts.plot.dataset.empty !== "false" && !this.history.hasLine([...this.#shown]);
    setData(this.#parts.plot, "empty", String(empty));
    this.#chart.draw();
  }

  repaint() {
    this.#chart?.repaint();
  }

  /** A chart costs memory and time: only those that are seen exist. */
  setInView(inView) {
    if (this.#inView === inView) return;
    this.#inView = inView;
    this.#rechart();
  }

  setPermissions({ mayCommand, isLive }) {
    const { controls } = this.#parts;
    controls.disabled = !(mayCommand && isLive);
    if (this.#isLive !== isLive) {
      this.#isLive = isLive;
      this.refresh();
    }
    this.#parts["read-only"].hidden = mayCommand || this.#controls.size === 0;
  }

  remove() {
    this.setInView(false);
    this.element.remove();
  }

  // -- parts ---------------------------------------------------------------------------------------------------------

  /** Make tiles and controls anew where the points changed, and leave those that did not, with what was typed into them. */
  #build() {
    const points = new Map(this.#device.points);
    for (const [name, held] of this.#device.values) {
      if (points.has(name)) continue;
      const known = held.value === null ? this.#points.get(name) : undefined; // null tells no type
      points.set(name, known ?? learnt(held.value));
    }
    const spelling = JSON.stringify([...points]);
    if (spelling === this.#spelling) return;
    this.#spelling = spelling;
    const before = this.#points;
    this.#points = points;
    const same = (name) => before.has(name) && JSON.stringify(before.get(name)) === JSON.stringify(points.get(name));
    const pick = (wanted) => [...points].filter(([, point]) => wanted(point));
    this.#tiles = arrange(this.#parts.tiles, this.#tiles, pick(isTile), same, (name, point) => this.#tile(name, point));
    this.#controls = arrange(this.#parts.controls, this.#controls, pick(isControl), same, (name, point) =>
      this.#control(name, point),
    );
    this.#parts.controls.hidden = this.#controls.size === 0;
    this.#fold();
    this.#chooseLines();
  }

  #tile(name, point) {
    return new Tile(name, point, isNumeric(point) ? { onToggle: () => this.#toggle(name) } : {});
  }

  #control(name, point) {
    return controlFor(name, point, {
      send: (value, onState) => this.#dashboard.send(this.#device.id, name, value, onState),
      cancel: (key) => this.#dashboard.cancel(key),
    });
  }

  #unfold() {
    this.#unfolded = !this.#unfolded;
    this.#fold();
  }

  #fold() {
    const { more } = this.#parts;
    const tiles = [...this.#tiles.values()];
    more.hidden = tiles.length <= FEW_TILES;
    tiles.forEach((tile, index) => (tile.element.hidden = !this.#unfolded && index >= FEW_TILES && !more.hidden));
    setText(more, this.#unfolded ? "Show fewer" : `Show all ${tiles.length} values`);
    more.setAttribute("aria-expanded", String(this.#unfolded));
  }

  // -- chart ---------------------------------------------------------------------------------------------------------

  /** At first the lines of the first two axes; afterwards the viewer's choice stays. */
  #chooseLines() {
    const numeric = [...this.#points]
      .filter(([name, point]) => isNumeric(point) && this.#tiles.has(name))
      .map(([name]) => name);
    for (const name of numeric) if (!this.#colours.has(name)) this.#colours.set(name, null);
    for (const name of [...this.#shown]) if (!numeric.includes(name)) this.#shown.delete(name);
    if (this.#shown.size === 0) {
      const axes = [...new Set(numeric.map((name) => this.#axisOf(name)))].slice(0, 2);
      for (const name of numeric)
        if (axes.includes(this.#axisOf(name)) && this.#shown.size < COLOURS.length) this.#shown.add(name);
    }
    this.#rechart();
  }

  #unitOf(name) {
    return unitText(this.#points.get(name)?.unit);
  }

  /** What shares an axis: points of one unit; numbers without a unit have nothing in common with each other. */
  #axisOf(name) {
    return this.#unitOf(name) || `point ${name}`;
  }

  /** A chart has two axes: a line that needs a third takes the place of the one that was chosen longest ago. */
  #toggle(name) {
    if (!this.#shown.delete(name)) {
      this.#shown.add(name);
      const axes = [...new Set([...this.#shown].reverse().map((shown) => this.#axisOf(shown)))].slice(0, 2);
      for (const shown of [...this.#shown]) if (!axes.includes(this.#axisOf(shown))) this.#shown.delete(shown);
    }
    this.#rechart();
  }

  /** A line keeps its colour while it is shown; another one takes the first that is free. */
  #paint(lines) {
    for (const name of this.#colours.keys()) if (!lines.includes(name)) this.#colours.set(name, null);
    lines.forEach((name, index) => {
      const taken = lines.map((line) => this.#colours.get(line));
      if (this.#colours.get(name) === null)
        this.#colours.set(name, COLOURS.find((colour) => !taken.includes(colour)) ?? COLOURS[index % COLOURS.length]);
    });
  }

  #rechart() {
    this.#chart?.remove();
    this.#chart = null;
    const lines = [...this.#colours.keys()].filter((name) => this.#shown.has(name));
    this.#paint(lines);
    for (const [name, tile] of this.#tiles) {
      if (this.#colours.has(name) && isNumeric(this.#points.get(name)))
        tile.setLine(lines.includes(name) ? this.#colours.get(name) : null);
    }
    const { plot, chart } = this.#parts;
    plot.hidden = lines.length === 0;
    const titles = lines.map((name) => titleOf(name, this.#points.get(name)));
    chart.setAttribute("aria-label", `Chart of the last minutes: ${titles.join(", ")}`);
    if (!this.#inView || lines.length === 0) return;
    this.#chart = new Chart(chart, {
      history: this.history,
      series: lines.map((point) => ({
        point,
        axis: this.#axisOf(point),
        unit: this.#unitOf(point),
        colour: this.#colours.get(point),
      })),
      gaps: this.#dashboard.gaps,
      now: this.#dashboard.now,
      onHover: (text) => setText(this.#parts["chart-hover"], text),
    });
    delete plot.dataset.empty; // other lines: look again whether there is anything to draw
    this.draw();
  }
}

/** What a reading tells of a point that nobody declared. */
function learnt(value) {
  const kind = typeof value;
  return { type: kind === "number" || kind === "boolean" ? kind : "string" };
}

/** The parts of `wanted` points, in their order: kept where `same(name)`, else made; the rest is taken out of `container`. */
function arrange(container, before, wanted, same, make) {
  const parts = new Map();
  for (const [name, point] of wanted) parts.set(name, (same(name) && before.get(name)) || make(name, point));
  const elements = [...parts.values()].map((part) => part.element);
  // Elements that are moved lose the focus, so nothing is moved where nothing changed.
  const unchanged =
    elements.length === container.childElementCount &&
    elements.every((one, index) => one === container.children[index]);
  if (!unchanged) container.replaceChildren(...elements);
  return parts;
}
