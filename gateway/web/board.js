/** All cards: kept in order, filtered, and redrawn together, a few times a second and only where someone looks. */

import { matches } from "./client.js";
import { Card, stateText } from "./card.js";
import { element, setText } from "./dom.js";
import { qualityOf } from "./mirror.js";

const TEXT_EVERY = 100; // ms between two writings of changed values: faster than this nobody reads
const DRAW_EVERY = 250; // ms between two drawings of a chart
const FILTER_FROM = 7; // devices; fewer are seen at a glance
const KEPT_GAPS = 20;
const LOOK_WITHIN = 5000; // ms; after that the gateway is not there, whatever the connection says
const STATES = ["online", "degraded", "offline", "unknown"];

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

export class Board {
  #gateway;
  #cards = new Map(); // device id → Card
  #devices = new Map(); // what the subscription holds
  #changed = new Set(); // ids whose values changed since the last writing
  #undrawn = new Set(); // ids with new numbers since the last drawing
  #inView = new Set();
  #gaps = []; // {from, to}: when readings are known to be missing
  #planned = false;
  #drawnAt = 0;
  #lastHeard = null; // gateway's time of the newest reading
  #interruptedAt = null; // when what was shown began to be incomplete
  #filter = "";
  #state = null; // the only state to show; null is all
  #parts;
  #observer;

  /** `parts`: the page's `cards`, `empty`, `tools`, `filter` and `states`. */
  constructor(gateway, parts) {
    this.#gateway = gateway;
    this.#parts = parts;
    this.#observer = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "160px" });
    parts.filter.addEventListener("input", () => {
      this.#filter = parts.filter.value.trim().toLowerCase();
      this.#applyFilter();
    });
    setInterval(() => this.#tick(), 1000);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      for (const id of this.#inView) this.#cards.get(id)?.repaint();
    });
  }

  /** Everything anew. */
  snapshot(devices) {
    this.#devices = devices;
    if (this.#interruptedAt !== null) {
      this.#gaps.push({ from: this.#interruptedAt, to: this.#gateway.now() });
      this.#gaps.splice(0, this.#gaps.length - KEPT_GAPS);
      this.#interruptedAt = null;
    }
    for (const [id, card] of this.#cards) if (!devices.has(id)) this.#remove(id, card);
    for (const device of devices.values()) {
      this.#place(device);
      this.#recordHeld(device);
    }
    this.#applyFilter();
    this.#plan();
  }

  /** What came since. */
  update({ devices, readings }) {
    for (const { id, removed } of devices) {
      const card = this.#cards.get(id);
      if (removed === true && card) this.#remove(id, card);
      else if (this.#devices.has(id)) this.#place(this.#devices.get(id));
    }
    if (devices.length > 0) this.#applyFilter();
    for (const reading of readings) {
      let card = this.#cards.get(reading.device);
      if (card === undefined) card = this.#place(this.#devices.get(reading.device));
      card.record(reading.time, Object.entries(reading.values ?? {}), (point) => qualityOf(reading, point) === "bad");
      this.#lastHeard = reading.time;
      this.#changed.add(reading.device);
      this.#undrawn.add(reading.device);
    }
    this.#plan();
  }

  /**
   * Readings are missing, from the newest that is here until the next snapshot: lines break, and the time between is shaded.
   * Returns when that began, null before the first reading.
   */
  interrupt() {
    this.#interruptedAt ??= this.#lastHeard;
    for (const card of this.#cards.values()) card.history.interrupt();
    return this.#interruptedAt;
  }

  /** Whether what is shown is live, and what this identity may switch. */
  permit() {
    for (const card of this.#cards.values()) this.#permit(card);
  }

  // -- cards ---------------------------------------------------------------------------------------------------------

  #place(device) {
    let card = this.#cards.get(device.id);
    if (card !== undefined) {
      const renamed = card.element.dataset.name !== device.name;
      // A line through the time in which a device was silent would claim what nobody measured.
      if (device.state !== "online" && card.element.dataset.state === "online") card.history.interrupt();
      card.update(device);
      this.#permit(card);
      if (!renamed) return card;
    } else {
      card = new Card(device, {
        now: () => this.#gateway.now(),
        gaps: this.#gaps,
        send: (id, point, value, onState) => this.#gateway.command(id, point, value, { onState }),
        cancel: (key) => this.#gateway.cancel(key).catch(() => {}), // too late: its fate tells
        look: (id) => this.#look(id),
      });
      this.#cards.set(device.id, card);
      this.#permit(card);
    }
    card.element.dataset.name = device.name;
    this.#parts.cards.insertBefore(card.element, this.#elementAfter(card));
    this.#observer.observe(card.element);
    return card;
  }

  /** A device as it is now, link and all; undefined where the gateway cannot be asked, or does not know it. */
  #look(id) {
    if (this.#gateway.status.state !== "online") return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const stream = this.#gateway.subscribe([id], { mode: "latest" }, {
        snapshot: (devices) => end(devices.get(id)),
        error: () => end(undefined),
      });
      const end = (device) => {
        clearTimeout(patience);
        stream.close();
        resolve(device);
      };
      const patience = setTimeout(() => end(undefined), LOOK_WITHIN);
    });
  }

  #elementAfter(card) {
    const { name, device } = card.element.dataset;
    for (const other of this.#parts.cards.children) {
      if (other === card.element) continue;
      const order = byName.compare(other.dataset.name, name) || byName.compare(other.dataset.device, device);
      if (order > 0) return other;
    }
    return null;
  }

  #remove(id, card) {
    this.#observer.unobserve(card.element);
    this.#cards.delete(id);
    for (const ids of [this.#changed, this.#undrawn, this.#inView]) ids.delete(id);
    card.remove();
  }

  #permit(card) {
    const globs = this.#gateway.identity?.command ?? [];
    const mayCommand = globs.some((glob) => matches(glob, card.device.id));
    card.setPermissions({ mayCommand, isLive: this.#gateway.status.state === "online" });
  }

  /** The newest values of a snapshot are the first, or the next, points of the lines. */
  #recordHeld(device) {
    const card = this.#cards.get(device.id);
    const times = new Map();
    for (const [point, { value, time, quality }] of device.values) {
      if (time === null || time <= (card.history.times.at(-1) ?? 0)) continue;
      if (!times.has(time)) times.set(time, []);
      times.get(time).push([point, quality === "bad" ? null : value]);
    }
    for (const [time, values] of [...times].sort(([a], [b]) => a - b)) card.record(time, values, () => false);
    this.#changed.add(device.id);
    this.#undrawn.add(device.id);
  }

  // -- drawing -------------------------------------------------------------------------------------------------------

  #plan() {
    if (this.#planned) return;
    this.#planned = true;
    setTimeout(() => requestAnimationFrame(() => this.#flush()), TEXT_EVERY);
  }

  #flush() {
    this.#planned = false;
    for (const id of this.#changed) {
      if (!this.#inView.has(id)) continue;
      this.#changed.delete(id);
      this.#cards.get(id)?.update(this.#devices.get(id) ?? this.#cards.get(id).device);
    }
    const now = performance.now();
    if (now - this.#drawnAt < DRAW_EVERY) return;
    this.#drawnAt = now;
    for (const id of this.#undrawn) {
      if (!this.#inView.has(id)) continue;
      this.#undrawn.delete(id);
      this.#cards.get(id)?.draw();
    }
  }

  /** Ages grow and charts move on even when nothing comes. */
  #tick() {
    if (document.hidden) return;
    for (const id of this.#inView) {
      this.#cards.get(id)?.refresh();
      this.#cards.get(id)?.draw();
    }
  }

  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const id = target.dataset.device;
      const card = this.#cards.get(id);
      if (card?.element !== target) continue;
      if (isIntersecting) this.#inView.add(id);
      else this.#inView.delete(id);
      if (isIntersecting) card.update(this.#devices.get(id) ?? card.device);
      card.setInView(isIntersecting);
    }
  }

  // -- filter --------------------------------------------------------------------------------------------------------

  #applyFilter() {
    const { tools, empty, cards } = this.#parts;
    tools.hidden = this.#cards.size < FILTER_FROM;
    if (tools.hidden) this.#state = null;
    const filter = tools.hidden ? "" : this.#filter;
    const counts = new Map(STATES.map((state) => [state, 0]));
    let shown = 0;
    for (const { element: card, device } of this.#cards.values()) {
      const state = counts.has(device.state) ? device.state : "unknown";
      counts.set(state, counts.get(state) + 1);
      const named = [device.name, device.id, device.make].some((text) => text.toLowerCase().includes(filter));
      card.hidden = !(named && (this.#state === null || this.#state === state));
      if (!card.hidden) shown += 1;
    }
    this.#showStates(counts);
    cards.dataset.few = String(shown > 0 && shown < 4);
    empty.hidden = shown > 0;
    setText(
      empty,
      this.#cards.size > 0
        ? "No device matches this filter."
        : "No devices yet. They appear here as soon as the gateway hears of them.",
    );
  }

  #showStates(counts) {
    const { states } = this.#parts;
    const choices = [
      [null, "All", this.#cards.size],
      ...STATES.filter((s) => counts.get(s) > 0 || s === this.#state).map((s) => [s, stateText(s), counts.get(s)]),
    ];
    const spelling = JSON.stringify([choices, this.#state]);
    if (states.dataset.spelling === spelling) return;
    states.dataset.spelling = spelling;
    const focused = states.contains(document.activeElement) ? document.activeElement.dataset.state : null;
    states.replaceChildren(
      ...choices.map(([state, text, count]) => {
        const pressed = String(this.#state === state);
        const chip = element("button", {
          type: "button",
          class: "chip",
          "data-state": state ?? "all",
          "aria-pressed": pressed,
        });
        chip.append(element("span", { text }), element("span", { class: "chip-count", text: String(count) }));
        chip.addEventListener("click", () => {
          this.#state = this.#state === state ? null : state;
          this.#applyFilter();
        });
        return chip;
      }),
    );
    if (focused !== null) states.querySelector(`[data-state="${focused}"]`)?.focus();
  }
}
