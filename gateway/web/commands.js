/**
 * Commands on their way, and the truth about each.
 *
 * A command ends as `executed`, `not_executed`, `unconfirmed` or `unknown`; its promise never rejects, because "the device said no"
 * is an answer, and "nobody knows" is one too.
 */

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
  #pending = new Map(); // key → set of {body, reported, onState, resolve}; the server admits few at once

  constructor(request, now) {
    this.#request = request;
    this.#now = now;
  }

  /** Send one; the promise resolves with the final Command, `onState` sees each state on the way, the final one included. */
  send(device, point, value, { ttl, confirm, key = newKey(), onState } = {}) {
    if (typeof value === "number" && !Number.isFinite(value))
      throw new TypeError(`${value} cannot be sent to a device`);
    const body = { key, device, point, value };
    return new Promise((resolve) => {
      const waiter = { body, reported: null, onState, resolve };
      const waiters = this.#pending.get(key) ?? new Set();
      this.#pending.set(key, waiters.add(waiter));
      this.#request(
        { type: "command", ...body, ttl, confirm },
        {
          ok: (answer) => this.receive(answer.command),
          error: (error) => this.#refused(waiter, error),
        },
      );
    });
  }

  /** A Command off the wire: the reply to the request, or a later change of its state. */
  receive(command) {
    for (const waiter of [...(this.#pending.get(command?.key) ?? [])]) this.#report(waiter, command);
  }

  /**
   * The connection is gone. What was already sent may or may not be done, and is not sent again.
   * Once the gateway keeps its commands over a restart, this is the place to ask it for each by key
   * (`GET /api/v1/commands/{key}`) after the reconnect, before saying "unknown".
   */
  connectionLost() {
    for (const waiters of [...this.#pending.values()]) {
      for (const waiter of [...waiters]) this.#end(waiter, "lost", "unknown", "connection lost");
    }
  }

  #refused(waiter, error) {
    if (error.code === "disconnected" && error.sent) return; // `connectionLost` tells it, in one place
    if (UNCERTAIN.has(error.code) && error.sent) this.#end(waiter, "lost", "unknown", error.message, error);
    else this.#end(waiter, "rejected", "not_executed", error.message, error);
  }

  /** End a command that the gateway gives no Command for. */
  #end(waiter, state, outcome, detail, error = null) {
    const command = { ...waiter.body, by: null, state, final: true, outcome, detail, time: this.#now() };
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
    const waiters = this.#pending.get(waiter.body.key);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#pending.delete(waiter.body.key);
    waiter.resolve(command);
  }
}
