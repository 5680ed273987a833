/** One point's reported value: what it is, its unit, its age, and how far it can be trusted. */

import { element, setData, setText } from "./dom.js";
import { ageText, decimalsOf, numberText, titleOf, unitText, valueText } from "./format.js";

/** The quality to show: a value past its deadline is stale, whatever was last said of it. */
export function qualityNow(held, point, now) {
  if (held === undefined) return "none";
  const limit = point?.stale_after;
  if (held.quality === "good" && typeof limit === "number" && held.time !== null && now - held.time > limit)
    return "stale";
  return held.quality;
}

/** The age of a value in words, with its quality where that is not good. */
export function freshnessText(held, quality, now) {
  if (held === undefined) return "no reading yet";
  const age = held.time === null ? "" : ageText(Math.max(0, now - held.time));
  return quality === "good" ? age : [quality, age].filter(Boolean).join(" · ");
}

export class Tile {
  element;
  #point;
  #value;
  #unit;
  #age;
  #decimals = 0;

  /** `onToggle` is given where the point can be drawn: the tile is then the switch of its line. */
  constructor(name, point, { onToggle } = {}) {
    this.#point = point;
    this.#value = element("span", { class: "tile-number" });
    this.#unit = element("span", { class: "tile-unit", text: unitText(point?.unit) });
    this.#age = element("span", { class: "tile-age" });
    const swatch = onToggle ? element("span", { class: "swatch", "aria-hidden": "true" }) : null;
    const title = element("span", { class: "tile-title" }, swatch, element("span", { text: titleOf(name, point) }));
    const value = element("span", { class: "tile-value" }, this.#value, this.#unit);
    this.element = element(onToggle ? "button" : "div", { class: "tile", "data-point": name }, title, value, this.#age);
    if (onToggle) {
      this.element.type = "button";
      this.element.title = "Show or hide in the chart";
      this.element.addEventListener("click", onToggle);
    }
  }

  /** `line` is the colour of its line in the chart, null when it has none there. */
  setLine(line) {
    this.element.setAttribute("aria-pressed", String(line !== null));
    this.element.querySelector(".swatch").style.setProperty("--line", line === null ? "transparent" : `var(${line})`);
  }

  update(held, now) {
    const quality = qualityNow(held, this.#point, now);
    const empty = held === undefined || held.value === null;
    setText(this.#value, empty ? (held === undefined ? "–" : "no value") : this.#text(held.value));
    this.#unit.hidden = empty || typeof held.value !== "number";
    setData(this.element, "quality", quality);
    setData(this.element, "kind", empty ? "none" : held.value === "" ? "empty" : typeof held.value);
    setText(this.#age, freshnessText(held, quality, now));
  }

  #text(value) {
    if (typeof value !== "number") return valueText(value);
    this.#decimals = Math.max(this.#decimals, decimalsOf(value));
    return numberText(value, this.#decimals);
  }
}
