/** A scripted gateway and a clock that stands still, for tests of client.js in a page. */

import { connect } from "/client.js";

/** Lets every promise that is ready run. */
export const settle = () => new Promise((resolve) => setTimeout(resolve));

/** Time that moves only by `advance`. */
export class Clock {
  time = 0;
  #timers = new Map();
  #next = 1;

  now = () => this.time;

  setTimeout = (callback, delay) => {
    this.#timers.set(this.#next, { due: this.time + delay, callback });
    return this.#next++;
  };

  clearTimeout = (timer) => {
    this.#timers.delete(timer);
  };

  /** Moves on by `milliseconds`, running what falls due in its order. */
  async advance(milliseconds) {
    const end = this.time + milliseconds;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.due <= end).sort((a, b) => a[1].due - b[1].due)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.time = Math.max(this.time, due[1].due);
      due[1].callback();
      await settle();
    }
    this.time = end;
    await settle();
  }
}

/** The sockets that the client opened, oldest first, each driven by the test. */
export function scriptedSockets() {
  const sockets = [];
  class ScriptedSocket {
    readyState = 0;
    sent = [];
    closedWith = null;

    constructor(url, protocols) {
      this.url = url;
      this.protocols = protocols;
      sockets.push(this);
    }

    send(text) {
      this.sent.push(JSON.parse(text));
    }

    close(code) {
      this.readyState = 3;
      this.closedWith = code;
    }

    /** The server accepts, and sends `frames`. */
    async open(...frames) {
      this.readyState = 1;
      await this.tell(...frames);
    }

    async tell(...frames) {
      for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
      await settle();
    }

    /** The server, or the network, ends the connection. */
    async end(code, reason = "") {
      this.readyState = 3;
      this.onclose?.({ code, reason });
      await settle();
    }

    /** The last request of a type. */
    asked(type) {
      return this.sent.filter((message) => message.type === type).at(-1);
    }
  }
  return { sockets, WebSocket: ScriptedSocket };
}

export const HELLO = {
  type: "hello",
  protocol: "fieldgate.v1",
  gateway: "test",
  time: 1000,
  heartbeat: 20,
  auth: "ok",
  identity: { name: "anyone", read: ["*"], command: ["*"], expires: null },
  limits: { message: 65536, subscriptions: 64, commands: 8 },
};

/** A client whose gateway, clock and luck (`random` is always 1: every delay is its longest) are the test's. */
export async function start(options = {}) {
  const clock = new Clock();
  const { sockets, WebSocket } = scriptedSockets();
  const gateway = connect({ url: "ws://gateway/ws", WebSocket, timers: clock, random: () => 1, ...options });
  const statuses = [];
  gateway.on("status", (status) => statuses.push(status));
  await settle();
  return { gateway, clock, sockets, statuses, socket: () => sockets.at(-1) };
}

/** The same, online. */
export async function startOnline(options = {}) {
  const test = await start(options);
  await test.socket().open(HELLO);
  return test;
}

/** A subscription that notes what it is told, its first snapshot already there at cursor `c1`. */
export async function subscribed(test, devices = [{ id: "greenhouse", state: "online" }]) {
  const told = [];
  const note = (event) => (detail) => told.push([event, plain(detail)]);
  const handlers = { snapshot: note("snapshot"), update: note("update"), gap: note("gap"), error: note("error") };
  const subscription = test.gateway.subscribe(["*"], {}, handlers);
  await answerSubscribe(test, devices, "c1");
  return { told, subscription };
}

export async function answerSubscribe(test, devices, cursor) {
  const { id } = test.socket().asked("subscribe");
  await test
    .socket()
    .tell({ type: "ok", id, sub: "s1", cursor, recovered: false }, { type: "snapshot", sub: "s1", cursor, devices });
}

/** Maps as objects without a prototype's surprises, to be handed to the test. */
export function plain(value) {
  if (value instanceof Map) return [...value].map(([key, held]) => [key, plain(held)]);
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Error) return { code: value.code, message: value.message };
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, plain(held)]));
  }
  return value;
}
