/**
 * The socket: opened, watched, and opened again.
 *
 * One `Link` lives through many sockets. It knows the back-off, the heartbeat and what each close code asks for; it knows
 * nothing of subscriptions or commands.
 */

export const SUBPROTOCOL = "fieldgate.v1";

const SECOND = 1000; // timers count milliseconds, the protocol seconds
const SHORTEST = 0.5 * SECOND;
const LONGEST = 30 * SECOND;
const HEALTHY_AFTER = 60 * SECOND; // up for so long: the next drop starts from the shortest delay again
const OPENING = 15 * SECOND; // from the first packet to `hello`

/** What to do after a close, by its code; every other code means: reconnect with back-off. */
const AFTER_CLOSE = new Map([
  [1003, "stop"], // binary frame: a fault of this file, which trying again will not mend
  [1007, "stop"], // bad UTF-8, likewise
  [1009, "stop"], // message over the server's limit, likewise
  [4400, "stop"], // too many malformed frames
  [4401, "token"], // no, bad or late token
  [4403, "stop"], // token revoked
  [4410, "expired"], // token expired: a fresh one is needed, then reconnect
  [4429, "pause"], // too many requests
]);

const WHY = new Map([
  [1001, "the gateway is restarting"],
  [1006, "the connection broke"],
  [1011, "the gateway reported a fault"],
  [4400, "the gateway could not read this client's messages"],
  [4401, "the token was not accepted"],
  [4403, "the token was revoked"],
  [4408, "the connection fell silent"],
  [4410, "the token expired"],
  [4413, "this client was too slow to keep up"],
  [4429, "too many requests"],
]);

/** Exponential back-off with full jitter: each delay is uniform between 0 and a bound that doubles from 0.5 s to 30 s. */
export class Backoff {
  #failures = 0;
  #random;

  constructor(random) {
    this.#random = random;
  }

  /** Milliseconds to wait before the next try. */
  next() {
    const bound = Math.min(LONGEST, SHORTEST * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 16); // 2 ** 16 is beyond the longest; no need to count on
    return this.#random() * bound;
  }

  /** Told how long, in milliseconds, the thing stayed up. */
  stayedUp(milliseconds) {
    if (milliseconds >= HEALTHY_AFTER) this.#failures = 0;
  }
}

export class Link {
  #url;
  #WebSocket;
  #timers;
  #random;
  #handlers;
  #backoff;
  #socket = null;
  #watch = null; // timer: nothing heard
  #retry = null; // timer: the next try
  #heard = 0; // when the last frame came
  #patience = OPENING; // how long nothing may be heard
  #upSince = null; // when the session was established

  /** `handlers`: `frame(message)`, `opening()`, `down({action, code, reason, delay})`. */
  constructor({ url, WebSocket, timers, random }, handlers) {
    this.#url = url;
    this.#WebSocket = WebSocket;
    this.#timers = timers;
    this.#random = random;
    this.#handlers = handlers;
    this.#backoff = new Backoff(random);
  }

  get isOpen() {
    return this.#socket !== null && this.#socket.readyState === 1;
  }

  /** Open a socket now, whatever was planned. */
  open() {
    this.#timers.clearTimeout(this.#retry);
    this.#retry = null;
    this.#abandon(1000);
    this.#upSince = null;
    this.#handlers.opening();
    this.#patience = OPENING;
    let socket;
    try {
      socket = new this.#WebSocket(this.#url, [SUBPROTOCOL]);
    } catch (error) {
      this.#ended(1006, error.message); // the browser forbids it; it may not for ever, and the page has to say why
      return;
    }
    this.#socket = socket;
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#ended(event.code, event.reason);
    socket.onerror = () => {}; // a close with its code follows
    this.#heard = this.#timers.now();
    this.#watchFor(this.#patience);
  }

  /** Open a socket after the back-off; returns the delay in milliseconds. */
  openLater(delay = this.#backoff.next()) {
    this.#timers.clearTimeout(this.#retry);
    this.#retry = this.#timers.setTimeout(() => this.open(), delay);
    return delay;
  }

  /** `seconds` is the server's heartbeat: twice that without a frame is a dead connection. */
  expectHeartbeat(seconds) {
    this.#patience = 2 * seconds * SECOND;
    this.#watchFor(this.#patience);
  }

  /** The session stands: from now on health is counted. */
  established() {
    this.#upSince = this.#timers.now();
  }

  /** False when there is no open socket, so that certainly nothing was sent. */
  send(message) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Give this socket up and go on as after a close with `code`. */
  drop(code, reason) {
    if (this.#socket === null) return;
    this.#abandon(1000);
    this.#ended(code, reason);
  }

  /** End it for good; `open` starts afresh. */
  close() {
    this.#timers.clearTimeout(this.#retry);
    this.#retry = null;
    this.#abandon(1000);
  }

  #receive(text) {
    this.#heard = this.#timers.now();
    if (typeof text !== "string") return; // the protocol has no binary frames
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return; // a frame lost to a subscription shows in its chain of cursors
    }
    if (message !== null && typeof message === "object") this.#handlers.frame(message);
  }

  #watchFor(milliseconds) {
    this.#timers.clearTimeout(this.#watch);
    this.#watch = this.#timers.setTimeout(() => {
      // One timer that looks back, instead of one set again for every frame.
      const silent = this.#timers.now() - this.#heard;
      if (silent >= this.#patience) this.drop(1006, "the gateway fell silent");
      else this.#watchFor(this.#patience - silent);
    }, milliseconds);
  }

  /** Let go of the socket without waiting for its closing handshake, which a dead peer never answers. */
  #abandon(code) {
    this.#timers.clearTimeout(this.#watch);
    this.#watch = null;
    const socket = this.#socket;
    if (socket === null) return;
    this.#socket = null;
    socket.onmessage = socket.onclose = null;
    try {
      socket.close(code);
    } catch {
      // already closed, or never opened
    }
  }

  #ended(code, reason) {
    this.#timers.clearTimeout(this.#watch);
    this.#watch = null;
    this.#socket = null;
    if (this.#upSince !== null) this.#backoff.stayedUp(this.#timers.now() - this.#upSince);
    this.#upSince = null;
    const action = AFTER_CLOSE.get(code) ?? "retry";
    const told = reason || WHY.get(code) || `closed with code ${code}`;
    if (action === "stop" || action === "token") {
      this.#handlers.down({ action, code, reason: told, delay: null });
      return;
    }
    // A pause is the upper half of the longest delay: long enough to matter, jittered so that not all return at once.
    const delay = this.openLater(action === "pause" ? LONGEST / 2 + (this.#random() * LONGEST) / 2 : undefined);
    this.#handlers.down({ action, code, reason: told, delay });
  }
}
