/** The dashboard: one subscription to everything that this identity may read, shown as cards. */

import { Board } from "./board.js";
import { connect } from "./client.js";
import { Session, tokens } from "./session.js";

const CLOCK_EVERY = 60_000; // ms between two looks at the gateway's clock, which ages are counted by

const byId = (id) => document.getElementById(id);

const gateway = connect({ token: tokens.read() });

const session = new Session(gateway, {
  account: byId("account"),
  banner: byId("banner"),
  bannerAction: byId("banner-action"),
  bannerCountdown: byId("banner-countdown"),
  bannerText: byId("banner-text"),
  gatewayName: byId("gateway-name"),
  linkText: byId("link-text"),
  notices: byId("notices"),
  token: byId("token"),
  tokenCancel: byId("token-cancel"),
  tokenDialog: byId("token-dialog"),
  tokenForm: byId("token-form"),
  tokenWhy: byId("token-why"),
});

const board = new Board(gateway, {
  cards: byId("cards"),
  empty: byId("empty"),
  filter: byId("filter"),
  states: byId("states"),
  tools: byId("tools"),
});

gateway.on("status", () => board.permit());
gateway.subscribe(
  ["*"],
  {},
  {
    snapshot: (devices) => board.snapshot(devices),
    update: (update) => board.update(update),
    gap: (gap) => session.noteGap(gap, board.interrupt()),
    error: (error) => session.note("error", `The gateway refused the subscription: ${error.message}`),
  },
);

// The browser knows sooner than any timer when the network is back, or the page looked at again.
addEventListener("online", () => gateway.status.state === "waiting" && gateway.retryNow());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && gateway.status.state === "waiting") gateway.retryNow();
});
setInterval(() => gateway.status.state === "online" && gateway.ping().catch(() => {}), CLOCK_EVERY);
