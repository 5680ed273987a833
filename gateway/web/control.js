/** The control of one writable point. What it shows as reported changes only when the device reports it. */

import { element, freshId, setData, setText } from "./dom.js";
import { Fate } from "./fate.js";
import { numberText, titleOf, unitText, valueText } from "./format.js";
import { freshnessText, qualityNow } from "./tile.js";

/** The control for a point, by its type; `send(value, onState)` gives the promise of the final Command, `cancel(key)` takes one back. */
export function controlFor(name, point, actions) {
  switch (point.type) {
    case "boolean":
      return new SwitchControl(name, point, actions);
    case "action":
      return new ActionControl(name, point, actions);
    case "enum":
      return new ChoiceControl(name, point, actions);
    case "string":
      return new TextControl(name, point, actions);
    default:
      return new NumberControl(name, point, actions);
  }
}

class Control {
  element;
  point;
  title;
  fate;
  labelId = freshId("control");
  #actions;
  #key = null; // of the command on its way

  constructor(name, point, actions) {
    this.point = point;
    this.title = titleOf(name, point);
    this.#actions = actions;
    this.fate = new Fate(() => this.#cancel());
    const label = element("span", { class: "control-title", id: this.labelId, text: this.title });
    this.element = element("div", { class: "control", "data-control": name, "data-type": point.type }, label);
  }

  /** The device's last report; most controls leave showing it to a tile. */
  update() {}

  /** One command at a time from one control; its fate is shown as it unfolds. */
  async command(value, wish) {
    if (this.element.dataset.busy === "true") return null;
    setData(this.element, "busy", "true");
    const onState = (command) => {
      this.#key = command.key;
      this.fate.show(command, wish);
    };
    this.fate.show({ state: "accepted", final: false }, wish);
    try {
      return await this.#actions.send(value, onState);
    } finally {
      this.#key = null;
      setData(this.element, "busy", "false");
    }
  }

  #cancel() {
    if (this.#key !== null) this.#actions.cancel(this.#key);
  }
}

/** A switch, or two buttons while nobody knows how it stands. */
class SwitchControl extends Control {
  #switch;
  #reported;
  #choice;
  #value = null;

  constructor(name, point, actions) {
    super(name, point, actions);
    this.#switch = element(
      "button",
      { type: "button", role: "switch", class: "switch", "aria-labelledby": this.labelId, "aria-checked": "false" },
      element("span", { class: "switch-thumb", "aria-hidden": "true" }),
    );
    this.#switch.addEventListener("click", () => this.#wish(!this.#value));
    this.#choice = element("span", { class: "choice", role: "group", "aria-labelledby": this.labelId });
    for (const value of [false, true]) {
      const button = element("button", { type: "button", class: "quiet", text: valueText(value) });
      button.addEventListener("click", () => this.#wish(value));
      this.#choice.append(button);
    }
    this.#reported = element("span", { class: "control-reported" });
    this.element.append(this.#reported, this.#switch, this.#choice, this.fate.element);
    this.update(undefined, 0);
  }

  #wish(value) {
    this.command(value, `Turn ${value ? "on" : "off"}`);
  }

  update(held, now) {
    const known = typeof held?.value === "boolean";
    this.#value = known ? held.value : null;
    this.#switch.hidden = !known;
    this.#choice.hidden = known;
    if (known) this.#switch.setAttribute("aria-checked", String(held.value));
    const quality = qualityNow(held, this.point, now);
    setData(this.element, "quality", quality);
    const value = known ? valueText(held.value) : held === undefined ? "" : "no value";
    setText(this.#reported, [value, freshnessText(held, quality, now)].filter(Boolean).join(" · "));
  }
}

/** A field and a button; Enter sends too. */
class FieldControl extends Control {
  field;

  constructor(name, point, actions, field) {
    super(name, point, actions);
    this.field = field;
    field.classList.add("field");
    field.setAttribute("aria-labelledby", this.labelId);
    const button = element("button", { type: "submit", class: "set", text: "Set", "aria-label": `Set ${this.title}` });
    const form = element("form", { class: "control-form", novalidate: "" }, field, button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.element.append(form, this.fate.element);
  }

  async #submit() {
    const { value, wish, problem } = this.read();
    if (problem) {
      this.fate.refuse(problem);
      this.field.focus();
      return;
    }
    const command = await this.command(value, `Set ${wish}`);
    // What was sent is no longer a draft; after a failure it stays, to be tried again.
    if (command?.outcome === "executed" || command?.outcome === "unconfirmed") this.field.value = "";
  }
}

class NumberControl extends FieldControl {
  constructor(name, point, actions) {
    const { min, max } = point;
    const integer = point.type === "integer";
    const field = element("input", {
      type: "number",
      inputmode: integer && min >= 0 ? "numeric" : "decimal",
      step: integer ? "1" : "any",
      min,
      max,
      placeholder: rangeText(min, max),
      autocomplete: "off",
    });
    super(name, point, actions, field);
    const unit = unitText(point.unit);
    if (unit) field.after(element("span", { class: "field-unit", text: unit }));
  }

  /** `{value, wish}`, or `{problem}` in words. */
  read() {
    const { min, max, type, unit } = this.point;
    const value = this.field.valueAsNumber;
    if (!Number.isFinite(value)) return { problem: "Enter a number" };
    if (type === "integer" && !Number.isInteger(value)) return { problem: "Enter a whole number" };
    if (typeof min === "number" && value < min) return { problem: `At least ${numberText(min)}` };
    if (typeof max === "number" && value > max) return { problem: `At most ${numberText(max)}` };
    return { value, wish: `${numberText(value)} ${unitText(unit)}`.trim() };
  }
}

function rangeText(min, max) {
  const low = typeof min === "number";
  const high = typeof max === "number";
  if (low && high) return `${numberText(min)} to ${numberText(max)}`;
  if (low) return `from ${numberText(min)}`;
  return high ? `up to ${numberText(max)}` : "New value";
}

class TextControl extends FieldControl {
  constructor(name, point, actions) {
    super(name, point, actions, element("input", { type: "text", placeholder: "New text", autocomplete: "off" }));
  }

  read() {
    return { value: this.field.value, wish: valueText(this.field.value) };
  }
}

/** Not sent on change: walking through the options with the arrow keys must not switch anything. */
class ChoiceControl extends FieldControl {
  constructor(name, point, actions) {
    const field = element("select", {}, element("option", { value: "", text: "Choose…" }));
    const values = point.values ?? [];
    values.forEach((value, index) => field.append(element("option", { value: String(index), text: valueText(value) })));
    super(name, point, actions, field);
  }

  read() {
    if (this.field.value === "") return { problem: "Choose a value" };
    const value = this.point.values[Number(this.field.value)];
    return { value, wish: valueText(value) };
  }
}

class ActionControl extends Control {
  constructor(name, point, actions) {
    super(name, point, actions);
    const button = element("button", { type: "button", class: "set", text: "Run", "aria-label": `Run ${this.title}` });
    button.addEventListener("click", () => this.command(undefined, this.title));
    this.element.append(button, this.fate.element);
  }
}
