/** How a device's link fares. Counters do not travel by themselves: they are asked for when someone looks. */

import { element, setText } from "./dom.js";
import { ageText, timeText } from "./format.js";

const count = (number, one, many = `${one}s`) => `${number.toLocaleString()} ${number === 1 ? one : many}`;

/** A Device's `link` in words, the usual first; what is 0 is left out but for errors, whose absence is good news. */
export function healthTexts(link, now) {
  if (link === null || typeof link !== "object") return [];
  const number = (name) => (typeof link[name] === "number" ? link[name] : 0);
  const texts = [];
  texts.push(typeof link.last_heard === "number" ? `Heard ${ageText(Math.max(0, now - link.last_heard))}` : "Never heard");
  const rate = number("rate").toLocaleString(undefined, { maximumFractionDigits: 1 });
  texts.push(`${count(number("frames"), "frame")}${rate === "0" ? "" : `, ${rate} a second`}`);
  const wrong = number("checksum_errors");
  texts.push(`${number("errors").toLocaleString()} unreadable${wrong > 0 ? `, ${wrong.toLocaleString()} by their checksum` : ""}`);
  if (number("resyncs") > 0) texts.push(`back in step ${count(number("resyncs"), "time")}`);
  if (number("reconnects") > 0) texts.push(count(number("reconnects"), "reconnect"));
  if (number("filtered") > 0) texts.push(`${count(number("filtered"), "value")} held back`);
  return texts;
}

export class Health {
  element;
  #look;
  #now;
  #list;
  #asked = 0; // so that an answer that comes late does not replace a newer one

  /** `look()` resolves with the device as it is now, undefined where that cannot be known; `now()` is the gateway's time. */
  constructor({ look, now }) {
    this.#look = look;
    this.#now = now;
    this.#list = element("ul", { class: "health-list" });
    this.element = element("details", { class: "health" }, element("summary", { text: "Link" }), this.#list);
    this.element.addEventListener("toggle", () => this.element.open && this.#ask());
  }

  async #ask() {
    const asked = (this.#asked += 1);
    this.#list.replaceChildren(element("li", { text: "Asking the gateway…" }));
    const device = await this.#look();
    if (asked !== this.#asked) return;
    const now = this.#now();
    const texts = healthTexts(device?.link ?? null, now);
    this.#list.replaceChildren(...texts.map((text) => element("li", { text })));
    this.#list.append(element("li", { class: "health-when" }));
    setText(this.#list.lastChild, texts.length > 0 ? `as of ${timeText(now)}` : "not known now");
  }
}
