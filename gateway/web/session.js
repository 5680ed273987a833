/** What the page says about the connection itself: the lamp, the banner, the token, and what was missed. */

import { element, setData, setText } from "./dom.js";
import { timeText } from "./format.js";

const TOKEN_KEY = "fieldgate.token";
const MOST_NOTICES = 4;
const BANNER_AFTER = 400; // ms; a shorter interruption is not worth a word

const NEEDED = "This gateway needs a token before it shows anything.";
const EXPIRED = 4410; // the close code

const LAMP = new Map([
  ["connecting", "Connecting…"],
  ["online", "Live"],
  ["waiting", "Disconnected"],
  ["token", "Token needed"],
  ["stopped", "Disconnected"],
  ["closed", "Disconnected"],
]);

const REASONS = new Map([
  ["slow_consumer", "this screen could not keep up"],
  ["not_recovered", "while the connection was down"],
]);

/** The token of this tab; browsers that forbid storage keep it in the page. */
export const tokens = {
  held: null,
  read() {
    try {
      return sessionStorage.getItem(TOKEN_KEY);
    } catch {
      return this.held;
    }
  },
  write(token) {
    this.held = token;
    try {
      if (token === null) sessionStorage.removeItem(TOKEN_KEY);
      else sessionStorage.setItem(TOKEN_KEY, token);
    } catch {
      // forbidden: `held` serves until the page is left
    }
  },
};

function whyRefused(reason, code) {
  if (code === EXPIRED) return "The token expired. Use another one to go on.";
  return `The token was not accepted: ${reason}.`;
}

export class Session {
  #gateway;
  #parts;
  #everOnline = false;
  #downSince = null; // gateway's time
  #retryAt = null; // milliseconds, by performance.now()
  #bannerTimer = null;
  #expiry = null; // the notice that the token is about to expire

  /** `parts`: elements of the page by their ids. */
  constructor(gateway, parts) {
    this.#gateway = gateway;
    this.#parts = parts;
    gateway.on("status", (status) => this.#show(status));
    gateway.on("error", (error) => {
      if (error.code === "unauthorized") tokens.write(null);
      this.note("error", `The gateway says: ${error.message}`);
    });
    gateway.on("expiring", ({ expires }) => {
      this.#expiry?.remove();
      this.#expiry = this.note("gap", `The token expires at ${timeText(expires)}.`);
    });
    parts.bannerAction.addEventListener("click", () => this.#act());
    parts.account.addEventListener("click", () => this.askToken("Use another token for this gateway."));
    parts.tokenForm.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#useToken(parts.token.value.trim());
    });
    parts.tokenCancel.addEventListener("click", () => parts.tokenDialog.close());
    // A page that cannot go on without a token is not left behind a closed dialog; browsers close one at the second Escape.
    parts.tokenDialog.addEventListener("close", () => {
      // It comes late: a refusal that was quicker has opened the dialog again, and says why.
      if (gateway.status.state === "token" && !parts.tokenDialog.open) this.askToken(NEEDED);
    });
    setInterval(() => this.#countDown(), 250);
  }

  /** Readings are missing: say which, until it is dismissed. */
  noteGap({ lost, reason }, since) {
    const count =
      lost === null
        ? "Some readings may be missing"
        : `${lost.toLocaleString()} ${lost === 1 ? "reading was" : "readings were"} missed`;
    const until = timeText(this.#gateway.now());
    const between = since === null || timeText(since) === until ? until : `${timeText(since)} to ${until}`;
    const because = REASONS.get(reason) ?? reason;
    this.note("gap", `${count} (${between}${because ? `, ${because}` : ""}). The charts are shaded there.`);
  }

  note(kind, text) {
    const { notices } = this.#parts;
    const dismiss = element("button", { type: "button", class: "notice-dismiss", "aria-label": "Dismiss" });
    const notice = element("div", { class: "notice", "data-kind": kind }, element("p", { text }), dismiss);
    dismiss.addEventListener("click", () => notice.remove());
    notices.append(notice);
    while (notices.childElementCount > MOST_NOTICES) notices.firstElementChild.remove();
    return notice;
  }

  askToken(why, refused = false) {
    const { tokenDialog, tokenWhy, tokenCancel, token } = this.#parts;
    setText(tokenWhy, why);
    setData(tokenWhy, "refused", String(refused));
    tokenCancel.hidden = this.#gateway.status.state === "token";
    if (!tokenDialog.open) tokenDialog.showModal();
    token.focus();
    token.select();
  }

  #useToken(token) {
    if (token === "") {
      this.askToken("Enter the token first.", true);
      return;
    }
    tokens.write(token);
    this.#parts.tokenDialog.close();
    this.#gateway.useToken(token);
  }

  #show({ state, reason, code, delay }) {
    const { linkText, account, gatewayName, token } = this.#parts;
    document.body.dataset.link = state;
    setText(linkText, state === "connecting" && this.#everOnline ? "Reconnecting…" : LAMP.get(state));
    if (state === "online") {
      this.#everOnline = true;
      this.#downSince = null;
      this.#expiry?.remove(); // of a token that is no longer the one in use
      token.value = "";
      const name = this.#gateway.hello.gateway ?? "Fieldgate";
      setText(gatewayName, name);
      document.title = `${name} · Fieldgate`;
      const identity = this.#gateway.identity;
      account.hidden = !identity?.name;
      setText(account, identity?.name ?? "");
      account.title = "Use another token";
    } else {
      this.#downSince ??= this.#gateway.now();
    }
    if (state === "token") {
      const refused = tokens.read() !== null;
      tokens.write(null);
      this.askToken(refused ? whyRefused(reason, code) : NEEDED, refused);
    }
    this.#retryAt = state === "waiting" ? performance.now() + delay : null;
    this.#showBanner(state, reason, code);
  }

  #showBanner(state, reason, code) {
    clearTimeout(this.#bannerTimer);
    const { banner, bannerText, bannerAction } = this.#parts;
    if (state === "online" || state === "token") {
      banner.hidden = true;
      return;
    }
    if (state === "connecting") return; // whatever stood there, stands until it is known how the attempt ends
    const shown = this.#everOnline ? ` What you see is from ${timeText(this.#downSince)}.` : "";
    this.#bannerTimer = setTimeout(
      () => {
        setText(bannerText, `Disconnected: ${reason}.${shown}`);
        setText(bannerAction, state === "waiting" ? "Try now" : code === 4403 ? "Use another token" : "Reload");
        banner.hidden = false;
        this.#countDown();
      },
      banner.hidden ? BANNER_AFTER : 0,
    );
  }

  #countDown() {
    const { bannerCountdown } = this.#parts;
    if (this.#retryAt === null) {
      setText(bannerCountdown, this.#gateway.status.state === "connecting" ? "Trying again…" : "");
      return;
    }
    const seconds = Math.max(0, Math.ceil((this.#retryAt - performance.now()) / 1000));
    setText(bannerCountdown, `Trying again in ${seconds} s`);
  }

  #act() {
    const { state, code } = this.#gateway.status;
    if (state === "stopped" && code === 4403) this.askToken("The token was revoked.", true);
    else if (state === "stopped" || state === "closed") location.reload();
    else this.#gateway.retryNow();
  }
}
