/** All streams of one connection: which listener hears which, and when each begins and ends. */

import { Stream, streamRequest } from "./stream.js";

export class Streams {
  #request; // (message, {ok, error})
  #timers;
  #random;
  #online = false;
  #bySpelling = new Map(); // of the request, as the gateway too shares a stream among equal requests
  #bySub = new Map(); // the gateway's name on this connection

  constructor(request, timers, random) {
    this.#request = request;
    this.#timers = timers;
    this.#random = random;
  }

  /** Add a listener `(event, detail)`; returns `{devices, close}`. */
  subscribe(devices, options, listener) {
    const request = streamRequest(devices, options);
    const spelling = JSON.stringify(request);
    let stream = this.#bySpelling.get(spelling);
    if (stream === undefined) {
      stream = new Stream(request, (body, settle) => this.#ask(stream, body, settle), this.#timers, this.#random);
      this.#bySpelling.set(spelling, stream);
      if (this.#online) stream.start();
    }
    stream.listeners.add(listener);
    if (stream.filled) {
      // The snapshot came before this listener did.
      queueMicrotask(() => stream.listeners.has(listener) && listener("snapshot", stream.mirror.devices));
    }
    return {
      devices: stream.mirror.devices,
      close: () => {
        stream.listeners.delete(listener);
        this.#release(stream);
      },
    };
  }

  /** A session stands: every stream begins, or resumes unless it is to begin `afresh`. */
  startAll(afresh) {
    this.#online = true;
    for (const stream of this.#bySpelling.values()) {
      if (afresh) stream.cursor = null;
      stream.start();
    }
  }

  /** The session is gone; what the streams hold stays. */
  suspendAll() {
    this.#online = false;
    this.#bySub.clear();
    for (const stream of this.#bySpelling.values()) stream.suspend();
  }

  /** A `snapshot`, `update` or `gap`; one of a stream that was ended meanwhile is ignored. */
  receive(frame) {
    this.#bySub.get(frame.sub)?.receive(frame);
  }

  #ask(stream, body, settle) {
    stream.asking += 1;
    this.#request(
      { type: "subscribe", ...body },
      {
        ok: (answer) => {
          stream.asking -= 1;
          const before = stream.sub;
          stream.sub = answer.sub;
          this.#bySub.set(answer.sub, stream);
          if (before !== null && before !== answer.sub) this.#unsubscribe(before);
          settle.ok(answer);
          this.#release(stream);
        },
        error: (error) => {
          stream.asking -= 1;
          settle.error(error);
          this.#release(stream);
        },
      },
    );
  }

  /**
   * End a stream that nobody listens to. Not while its subscribe is on its way: an unsubscribe sent after the answer could then hit
   * a newer subscription to the same stream. The answer comes by here again.
   */
  #release(stream) {
    if (stream.listeners.size > 0 || stream.asking > 0) return;
    if (!this.#bySpelling.delete(JSON.stringify(stream.request))) return;
    if (stream.sub !== null) this.#unsubscribe(stream.sub);
    stream.suspend();
  }

  #unsubscribe(sub) {
    this.#bySub.delete(sub);
    const heed = () => {}; // gone either way
    this.#request({ type: "unsubscribe", sub }, { ok: heed, error: heed });
  }
}
