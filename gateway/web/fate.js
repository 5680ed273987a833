/** The fate of a command in words and in one of five looks: pending, done, unconfirmed, failed, unknown. */

import { element, setData, setText } from "./dom.js";

const DONE_SHOWS_FOR = 6000; // ms; everything else stays until the next command

const PENDING = new Map([
  ["accepted", "Waiting to be sent…"],
  ["sent", "Sent, waiting for the device…"],
  ["acked", "The device said yes, waiting for its reading…"],
]);

const NOT_EXECUTED = new Map([
  ["rejected", "Refused"],
  ["expired", "Not sent in time"],
  ["cancelled", "Cancelled"],
  ["failed", "Failed"],
  ["mismatch", "Failed, the device shows another value"],
]);

/** `{look, text}` of a Command of the protocol. */
export function fateOf(command) {
  const because = command.detail ? `: ${command.detail}` : "";
  if (!command.final) return { look: "pending", text: PENDING.get(command.state) ?? "Waiting…" };
  switch (command.outcome) {
    case "executed":
      return { look: "done", text: "Done" };
    case "unconfirmed":
      return { look: "unconfirmed", text: "Sent; whether it was done is not confirmed" };
    case "not_executed":
      return { look: "failed", text: (NOT_EXECUTED.get(command.state) ?? "Not done") + because };
    default:
      return { look: "unknown", text: `Unknown${because}. It may or may not have been done.` };
  }
}

/** The line under a control. */
export class Fate {
  element;
  #text;
  #cancel;
  #fading = null;

  constructor(onCancel) {
    this.#text = element("span", { class: "fate-text" });
    this.#cancel = element("button", { type: "button", class: "fate-cancel", text: "Cancel" });
    this.#cancel.addEventListener("click", onCancel);
    this.#cancel.hidden = true;
    const mark = element("span", { class: "fate-mark", "aria-hidden": "true" });
    this.element = element("p", { class: "fate", role: "status", "data-fate": "none" }, mark, this.#text, this.#cancel);
  }

  /** `wish` is what was asked for, such as "On". */
  show(command, wish) {
    const { look, text } = fateOf(command);
    this.#say(look, look === "pending" && wish ? `${wish}: ${lowerFirst(text)}` : text);
    this.#cancel.hidden = command.final || command.state !== "accepted";
    if (look === "done") this.#fading = setTimeout(() => this.clear(), DONE_SHOWS_FOR);
  }

  /** A wish that this page itself refuses. */
  refuse(text) {
    this.#say("failed", text);
  }

  clear() {
    this.#say("none", "");
  }

  #say(look, text) {
    clearTimeout(this.#fading);
    setData(this.element, "fate", look);
    setText(this.#text, text);
  }
}

const lowerFirst = (text) => text[0].toLowerCase() + text.slice(1);
