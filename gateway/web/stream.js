/**
 * One stream of the gateway: its cursor, and the proof that nothing is missing.
 *
 * Every frame names the cursor before it (`prev`). Where that is not the cursor held, something was missed: the stream drops the
 * frame and subscribes again from the cursor it has, so that its listeners see either every reading or a declared gap.
 */

import { Backoff } from "./link.js";
import { Mirror } from "./mirror.js";

/**
 * The members of a `subscribe` request, in one spelling whatever the order they were asked in.
 * Two requests with the same spelling are one stream at the gateway, and so here.
 */
export function streamRequest(devices, { points, mode = "all", maxRate } = {}) {
  const globs = (list) => [...new Set(typeof list === "string" ? [list] : list)].sort();
  const request = { devices: globs(devices), mode };
  if (points !== undefined && points !== null) request.points = globs(points);
  if (maxRate !== undefined && maxRate !== null) request.max_rate = maxRate;
  return request;
}

export class Stream {
  mirror = new Mirror();
  listeners = new Set(); // of (event, detail)
  request;
  sub = null; // the gateway's name for it on this connection
  cursor = null;
  filled = false; // a whole snapshot has come, at least once
  asking = 0; // subscribe requests on their way

  #ask; // (request, {ok, error}): sends a subscribe and calls one of the two with its answer
  #timers;
  #backoff;
  #phase = "idle"; // idle → asked → filling (a snapshot is due) → live
  #parts = []; // of a snapshot that comes in several frames
  #again = null; // timer: the next subscribe
  #liveSince = 0;
  #attempt = 0; // tells the answer to the latest subscribe from those to earlier ones

  constructor(request, ask, timers, random) {
    this.request = request;
    this.#ask = ask;
    this.#timers = timers;
    this.#backoff = new Backoff(random);
  }

  /** Subscribe, from the last cursor where there is one. Called at every new session. */
  start() {
    this.#timers.clearTimeout(this.#again);
    this.#phase = "asked";
    this.#parts = [];
    const attempt = ++this.#attempt;
    const resuming = this.cursor !== null;
    this.#ask(resuming ? { ...this.request, since: this.cursor } : this.request, {
      ok: (answer) => {
        if (attempt !== this.#attempt) return;
        this.#liveSince = this.#timers.now();
        this.#phase = answer.recovered === true ? "live" : "filling";
        if (resuming && answer.recovered !== true) this.#tell("gap", { reason: "not_recovered", lost: null });
      },
      error: (error) => {
        if (attempt !== this.#attempt || error.code === "disconnected") return; // the next session asks again
        this.#tell("error", error);
        if (error.retry) this.#startLater(this.#backoff.next());
      },
    });
  }

  /** The connection is gone; what is held stays, and the next `start` resumes. */
  suspend() {
    this.#timers.clearTimeout(this.#again);
    this.#attempt += 1; // no answer still on its way counts
    this.#phase = "idle";
    this.#parts = [];
    this.sub = null;
  }

  /** A frame of this stream off the wire. */
  receive(frame) {
    if (this.#phase === "idle" || this.#phase === "asked") return; // of a chain that was given up
    if (frame.type === "snapshot") this.#snapshot(frame);
    else if (frame.type === "gap") this.#gap(frame);
    else if (frame.type === "update") this.#update(frame);
  }

  #snapshot(frame) {
    this.#parts.push(...(frame.devices ?? []));
    if (frame.more === true) return;
    this.mirror.replace(this.#parts);
    this.#parts = [];
    this.cursor = frame.cursor;
    this.filled = true;
    this.#phase = "live";
    this.#tell("snapshot", this.mirror.devices);
  }

  #gap(frame) {
    this.#parts = [];
    // Not the gap's cursor: resuming from there would skip the snapshot that has to follow.
    this.#phase = "filling";
    this.#tell("gap", { reason: frame.reason ?? null, lost: frame.lost ?? null });
  }

  #update(frame) {
    if (this.#phase !== "live" || frame.prev !== this.cursor) {
      this.#resync();
      return;
    }
    this.cursor = frame.cursor;
    // Devices first: a reading may be of a device that this very frame introduces.
    this.mirror.applyDevices(frame.devices);
    this.mirror.applyReadings(frame.readings);
    this.#tell("update", {
      devices: frame.devices ?? [],
      readings: frame.readings ?? [],
      conflated: frame.conflated ?? 0,
    });
  }

  /** A frame is missing: subscribe again from the cursor held; at once the first time, then backing off. */
  #resync() {
    const stood = this.#timers.now() - this.#liveSince;
    this.#backoff.stayedUp(stood);
    this.#startLater(stood > 1000 ? 0 : this.#backoff.next());
  }

  #startLater(delay) {
    this.#attempt += 1; // whatever is on its way belongs to the chain given up here
    this.#phase = "asked";
    this.#parts = [];
    this.#timers.clearTimeout(this.#again);
    if (delay === 0) this.start();
    else this.#again = this.#timers.setTimeout(() => this.start(), delay);
  }

  #tell(event, detail) {
    for (const listener of [...this.listeners]) listener(event, detail);
  }
}
