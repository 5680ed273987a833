/**
 * The browser client of Fieldgate, protocol `fieldgate.v1`.
 *
 *     import { connect } from "/client.js";
 *     const gateway = connect();
 *     gateway.subscribe(["greenhouse"], { mode: "latest" }, {
 *       snapshot: (devices) => …,                // Map of id → device: everything, anew
 *       update: ({ readings, devices }) => …,    // what came since, in order
 *       gap: ({ lost, reason }) => …,            // readings were missed; a snapshot follows
 *     });
 *     const command = await gateway.command("greenhouse", "fan", true);
 *     command.outcome;                           // "executed", "not_executed", "unconfirmed" or "unknown"
 *
 * It reconnects by itself and resumes every subscription from its last cursor. Times are seconds since the epoch.
 */

import { Commands } from "./commands.js";
import { Link } from "./link.js";
import { Streams } from "./streams.js";

/** A request that the gateway refused, or that could not be sent (`code` is then `disconnected`). */
export class GatewayError extends Error {
  constructor({ code, message, retry = false, sent = true }) {
    super(message);
    this.name = "GatewayError";
    this.code = code;
    this.retry = retry; // whether the same request may succeed later
    this.sent = sent; // whether the gateway may have seen it
  }
}

/** Whether a glob of the protocol (`*` any run, `?` one character) names `id`. */
export function matches(glob, id) {
  const pattern = glob
    .replace(/[\\^$.|+()[\]{}]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${pattern}$`, "su").test(id);
}

const wallClock = {
  now: () => performance.now(),
  setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer),
};

/**
 * Connect to a gateway; the connection mends itself until `close()`.
 *
 * @param {object} [options]
 * @param {string} [options.url] the WebSocket's address; default: `ws` beside this file
 * @param {string|function} [options.token] a token, or a function that gives one (or a promise of one, or null); it is asked
 *   at every connection, and a minute before the token expires, which is then renewed on the connection that stands
 * @param {function} [options.WebSocket] the class of the socket, where there is no global one
 * @param {object} [options.timers] `{now, setTimeout, clearTimeout}` in milliseconds, for tests
 * @param {function} [options.random] for tests
 */
export function connect(options = {}) {
  const connection = new Connection(options);
  // In the next turn, so that the caller can register for events first.
  queueMicrotask(() => connection.retryNow());
  return connection;
}

function besideThisFile() {
  const url = new URL("ws", import.meta.url);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

class Connection {
  /** What the gateway said of itself; null before the first connection. */
  hello = null;
  /** `{name, read, command, expires}` once online. */
  identity = null;
  /**
   * `{state, reason, code, delay}`. `state`: `connecting`; `online`; `waiting` (tries again in `delay` ms); `token` (needs `useToken`);
   * `stopped` (will not try again by itself); `closed`.
   */
  status = { state: "connecting", reason: null, code: null, delay: null };

  #link;
  #timers;
  #token;
  #sees = null; // what the last identity may read
  #spareToken = false; // this session's token was refused, and not needed
  #session = 0; // counts sockets, so that an answer to an old one is not taken for the new one's
  #nextId = 1;
  #requests = new Map(); // id → {ok, error}
  #streams;
  #commands;
  #listeners = new Map();
  #clockOffset = 0; // gateway's clock minus ours, seconds

  constructor({ url, token = null, WebSocket = globalThis.WebSocket, timers = wallClock, random = Math.random }) {
    this.#token = token;
    this.#timers = timers;
    const request = (message, settle) => this.#request(message, settle);
    this.#streams = new Streams(request, timers, random);
    this.#commands = new Commands(request, () => this.now(), timers);
    this.#link = new Link(
      { url: url ?? besideThisFile(), WebSocket, timers, random },
      {
        opening: () => this.#opening(),
        frame: (frame) => this.#receive(frame),
        down: (end) => this.#down(end),
      },
    );
  }

  /** Listen to `status`, `expiring` (a token about to), or `error` (one that belongs to no request); returns the way to stop. */
  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(listener);
    return () => this.#listeners.get(event).delete(listener);
  }

  /** Resolves when next (or already) online; rejects where that needs someone's help. */
  ready() {
    return new Promise((resolve, reject) => {
      let stop = () => {};
      const look = ({ state, reason }) => {
        if (state === "connecting" || state === "waiting") return;
        stop();
        if (state === "online") resolve(this.identity);
        else reject(new GatewayError({ code: state === "token" ? "unauthorized" : "disconnected", message: reason }));
      };
      stop = this.on("status", look);
      look(this.status);
    });
  }

  /** Now, by the gateway's clock. */
  now() {
    return Date.now() / 1000 + this.#clockOffset;
  }

  /**
   * Subscribe to devices by id or glob. `handlers`: `snapshot(devices)`, `update({readings, devices, conflated})`, `gap({lost, reason})`,
   * `error(error)`. Returns `{devices, close()}`, where `devices` is the live Map of id → device.
   */
  subscribe(devices, options = {}, handlers = {}) {
    return this.#streams.subscribe(devices, options, (event, detail) => this.#call(handlers[event], detail));
  }

  /**
   * Send a command. Resolves with the final Command and never rejects; read its `outcome`. Options: `ttl` (seconds), `confirm`
   * (`sent`, `acked`, `verified`), `lease` (seconds), `key` (makes a repeat harmless), `onState(command)`. Leave `value` undefined
   * for an action.
   */
  command(device, point, value, options = {}) {
    return this.#commands.send(device, point, value, options);
  }

  /** Take a command back; works until it is sent. Resolves with the gateway's answer. */
  cancel(key) {
    return this.#ask({ type: "cancel", key });
  }

  /** The devices that this identity may read, as plain objects of the protocol. */
  async devices() {
    return (await this.#ask({ type: "devices" })).devices;
  }

  /** Round trip in milliseconds; also sets `now()` by the gateway's clock. */
  async ping() {
    const begun = this.#timers.now();
    const pong = await this.#ask({ type: "ping" });
    const took = this.#timers.now() - begun;
    if (typeof pong.time === "number") this.#setClock(pong.time + took / 2000);
    return took;
  }

  /** Use another token, on a new connection: another identity may see other devices. Every subscription resumes. */
  useToken(token) {
    if (this.status.state === "closed") return;
    this.#token = token;
    this.#link.open();
  }

  /** Do not wait for the back-off; does nothing while online. */
  retryNow() {
    if (this.status.state !== "online" && this.status.state !== "closed") this.#link.open();
  }

  close() {
    this.#link.close();
    this.#setStatus("closed", { reason: "closed by this client" });
    this.#endSession();
  }

  // -- session -------------------------------------------------------------------------------------------------------

  #opening() {
    this.#endSession();
    this.#setStatus("connecting");
  }

  #greeted(hello) {
    this.hello = hello;
    if (hello.heartbeat > 0) this.#link.expectHeartbeat(hello.heartbeat);
    if (typeof hello.time === "number") this.#setClock(hello.time);
    this.#authenticate(this.#session);
  }

  /**
   * Give the gateway the token there is; without one, go on where none is needed, else ask for one. On a connection that stands this
   * renews it: whatever goes wrong then, the old token serves until it expires.
   */
  async #authenticate(session) {
    let token;
    let failure = null;
    try {
      token = typeof this.#token === "function" ? await this.#token() : this.#token;
    } catch (error) {
      const message = `no token could be fetched: ${error.message}`;
      failure = new GatewayError({ code: "unauthorized", message, retry: true, sent: false });
    }
    if (session !== this.#session || this.status.state === "closed") return;
    const renewing = this.status.state === "online";
    if (failure !== null) {
      if (renewing) this.#emit("error", failure);
      else if (this.hello.auth === "ok") this.#goOnWithout(failure);
      else this.#link.drop(1006, failure.message); // what gives the tokens may be back when the next try comes
      return;
    }
    if (token === null || token === undefined || token === "") {
      if (renewing) return;
      if (this.hello.auth === "ok") this.#online(this.hello.identity ?? null);
      else this.#needToken("this gateway needs a token");
      return;
    }
    this.#request(
      { type: "auth", token },
      {
        ok: (answer) => this.#online(answer.identity ?? null),
        error: (error) => {
          if (error.code === "disconnected") return;
          if (renewing) this.#emit("error", error);
          else if (error.code === "rate_limited") this.#link.drop(4429, error.message);
          else if (this.hello.auth === "ok") this.#goOnWithout(error);
          else this.#needToken(error.message);
        },
      },
    );
  }

  /** The token is not taken, and none is needed: go on as whoever the gateway takes us for without one. */
  #goOnWithout(error) {
    if (typeof this.#token !== "function") {
      this.#token = null;
      this.#spareToken = true;
    }
    this.#emit("error", error);
    this.#online(this.hello.identity ?? null);
  }

  #online(identity) {
    const renewed = this.status.state === "online";
    const sees = JSON.stringify(identity?.read ?? null);
    // Who may see other devices than before gets everything anew: what is held is not theirs to keep.
    const afresh = this.#sees !== sees;
    this.#sees = sees;
    this.identity = identity;
    if (!renewed) this.#link.established();
    this.#setStatus("online");
    if (renewed) return;
    this.#streams.startAll(afresh);
    this.#commands.connectionBack();
  }

  #needToken(reason, code = null) {
    if (typeof this.#token !== "function") this.#token = null;
    this.#link.close();
    this.#endSession();
    this.#setStatus("token", { reason, code });
  }

  #down({ action, code, reason, delay }) {
    const wasSpare = this.#spareToken;
    this.#endSession();
    if (action === "token" && wasSpare) {
      // The gateway closes for the sake of a token that is dropped already, and takes us without one.
      this.#setStatus("waiting", { reason, code, delay: this.#link.openLater() });
    } else if (action === "token" || (action === "expired" && typeof this.#token !== "function")) {
      this.#needToken(reason, code);
    } else if (action === "stop") this.#setStatus("stopped", { reason, code });
    else this.#setStatus("waiting", { reason, code, delay });
  }

  /** Whatever waited on the old socket will not be answered. */
  #endSession() {
    this.#session += 1;
    this.#spareToken = false;
    this.#streams.suspendAll();
    const requests = [...this.#requests.values()];
    this.#requests.clear();
    const gone = new GatewayError({ code: "disconnected", message: "the connection was lost", retry: true });
    for (const settle of requests) settle.error(gone);
    this.#commands.connectionLost();
  }

  #setStatus(state, { reason = null, code = null, delay = null } = {}) {
    this.status = { state, reason, code, delay };
    if (state === "token" || state === "stopped" || state === "closed") this.#commands.giveUp();
    this.#emit("status", this.status);
  }

  #setClock(gatewayTime) {
    this.#clockOffset = gatewayTime - Date.now() / 1000;
  }

  // -- frames --------------------------------------------------------------------------------------------------------

  #receive(frame) {
    switch (frame.type) {
      case "hello":
        return this.#greeted(frame);
      case "ok":
      case "pong":
      case "error":
        return this.#answered(frame);
      case "snapshot":
      case "update":
      case "gap":
        return this.#streams.receive(frame);
      case "command":
        return this.#commands.receive(frame.command);
      case "heartbeat":
        return typeof frame.time === "number" ? this.#setClock(frame.time) : undefined;
      case "expiring":
        this.#emit("expiring", frame);
        if (typeof this.#token === "function") this.#authenticate(this.#session); // renews it in place
        return undefined;
      default:
        return undefined; // of a later protocol
    }
  }

  #answered(frame) {
    const settle = this.#requests.get(frame.id);
    if (settle === undefined) {
      if (frame.type === "error") this.#emit("error", new GatewayError(frame));
      return;
    }
    this.#requests.delete(frame.id);
    if (frame.type === "error") settle.error(new GatewayError(frame));
    else settle.ok(frame);
  }

  /** Send a request; exactly one of `ok(answer)` and `error(error)` is called, at once where nothing can be sent. */
  #request(message, { ok, error }) {
    const id = this.#nextId++;
    const limit = this.hello?.limits?.message ?? Infinity;
    if (new TextEncoder().encode(JSON.stringify({ ...message, id })).length > limit) {
      error(
        new GatewayError({ code: "too_large", message: `longer than the gateway takes (${limit} bytes)`, sent: false }),
      );
      return;
    }
    const authenticated = this.status.state === "online" || message.type === "auth";
    this.#requests.set(id, { ok, error });
    if (authenticated && this.#link.send({ ...message, id })) return;
    this.#requests.delete(id);
    const text = "not connected to the gateway, nothing was sent";
    error(new GatewayError({ code: "disconnected", message: text, retry: true, sent: false }));
  }

  #ask(message) {
    return new Promise((ok, error) => this.#request(message, { ok, error }));
  }

  #emit(event, detail) {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) this.#call(listener, detail);
  }

  /** A listener's fault is reported, and costs the connection nothing. */
  #call(listener, detail) {
    try {
      listener?.(detail);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
