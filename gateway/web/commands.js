/**
 * Commands on their way, and the truth about each.
 *
 * A command ends as `executed`, `not_executed`, `unconfirmed` or `unknown`; its promise never rejects, because "the device said no"
 * is an answer, and "nobody knows" is one too.
 */

const PATIENCE = 30 * 1000; // milliseconds that a connection may stay away before what was sent on it counts as unknown

/** Error codes after which it is not certain that the gateway did nothing. */
const UNCERTAIN = new Set(["internal", "disconnected"]);

/** 32 hexadecimal digits. Not `crypto.randomUUID`, which browsers withhold on plain http, where most gateways live. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Commands {
  #request; // (message, {ok, error})
  #now; // () → seconds since the epoch, by the gateway's clock
  #timers;
  #pending = new Map(); // key → set of {request, reported, lost, onState, resolve}; the server admits few at once
  #patience = null; // timer: the connection stays away

  constructor(request, now, timers) {
    this.#request = request;
    this.#now = now;
    this.#timers = timers;
  }

  /** Send one; the promise resolves with the final Command, `onState` sees each state on the way, the final one included. */
  send(device, point, value, { ttl, confirm, lease, key = newKey(), onState } = {}) {
    if (typeof value === "number" && !Number.isFinite(value))
      throw new TypeError(`${value} cannot be sent to a device`);
    const request = { type: "command", key, device, point, value, ttl, confirm, lease };
    return new Promise((resolve) => {
      const waiter = { request, reported: null, lost: false, onState, resolve };
      const waiters = this.#pending.get(key) ?? new Set();
      this.#pending.set(key, waiters.add(waiter));
      this.#request(request, {
        ok: (answer) => this.receive(answer.command),
        error: (error) => this.#refused(waiter, error),
      });
    });
  }

  /** A Command off the wire: the reply to the request, or a later change of its state. */
  receive(command) {
    for (const waiter of [...(this.#pending.get(command?.key) ?? [])]) this.#report(waiter, command);
  }

  /** The connection is gone. What was already sent may or may not be done, and is not sent again; the gateway may tell later. */
  connectionLost() {
    for (const waiter of this.#all()) waiter.lost = true;
    if (this.#pending.size > 0) this.#patience ??= this.#timers.setTimeout(() => this.giveUp(), PATIENCE);
  }

  /** There is a connection again: ask what became of what was under way. A dry run of a known key is that command as it stands. */
  connectionBack() {
    this.#timers.clearTimeout(this.#patience);
    this.#patience = null;
    for (const waiter of this.#all()) {
      if (!waiter.lost) continue;
      waiter.lost = false;
      this.#request(
        { ...waiter.request, dry_run: true },
        {
          ok: ({ command }) => (command.dry_run ? this.#unknown(waiter) : this.#report(waiter, command)),
          error: (error) => error.code !== "disconnected" && this.#unknown(waiter),
        },
      );
    }
  }

  /** Nothing more will be heard of what was under way. */
  giveUp() {
    this.#timers.clearTimeout(this.#patience);
    this.#patience = null;
    for (const waiter of this.#all()) this.#unknown(waiter);
  }

  #all() {
    return [...this.#pending.values()].flatMap((waiters) => [...waiters]);
  }

  #unknown(waiter) {
    this.#end(waiter, "lost", "unknown", "connection lost");
  }

  #refused(waiter, error) {
    if (error.code === "disconnected" && error.sent) return; // `connectionLost` sees to it
    if (UNCERTAIN.has(error.code) && error.sent) this.#end(waiter, "lost", "unknown", error.message, error);
    else this.#end(waiter, "rejected", "not_executed", error.message, error);
  }

  /** End a command that the gateway gives no Command for. */
  #end(waiter, state, outcome, detail, error = null) {
    const { key, device, point, value } = waiter.request;
    const command = { key, device, point, value, by: null, state, final: true, outcome, detail, time: this.#now() };
    if (error !== null) command.code = error.code;
    this.#report(waiter, command);
  }

  #report(waiter, command) {
    if (waiter.reported !== command.state || command.final) {
      waiter.reported = command.state;
      try {
        waiter.onState?.(command);
      } catch (error) {
        // The caller's fault must not cost anyone the outcome.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    if (!command.final) return;
    const { key } = waiter.request;
    const waiters = this.#pending.get(key);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#pending.delete(key);
    waiter.resolve(command);
  }
}
