// @ts-check
// Sends a request; if a gate of django-faceauth asks for a face, lets the user show it and sends
// the request again. Needs only faceauth/stepup.css, and works under a strict
// Content-Security-Policy. See docs/how-to/single-page-apps.md.

/**
 * The texts, unless the page has them in another language by `{% face_texts %}`. A site passes
 * texts of its own, or some of them, as `face.texts`.
 * @typedef {{ -readonly [Name in keyof typeof TEXTS]: string }} Texts
 */
export const TEXTS = Object.freeze({
  heading: "Confirm it's you",
  lead:
    "The camera page of our partner, Checkout.com, opens in a new window. You look into the " +
    "camera for a few seconds; on a computer you may use your phone. Then come back here.",
  consent:
    "By continuing you agree that Checkout.com compares the new video with your earlier one. " +
    "We never store your picture.",
  agree: "I have read this, and I agree that my face is compared in this way.",
  tick: "Nothing has happened yet. To continue, please tick the box.",
  open: "Open the camera page",
  waiting: "Waiting for your face.",
  again:
    "If you have closed the camera page, you can open it again. " +
    "This ends the page that was open before.",
  openAgain: "Open the camera page again",
  blocked: "Your browser did not open a new window. Please open the camera page yourself.",
  offline: "You are offline. This continues as soon as you are back.",
  trouble: "This site cannot be reached right now. We keep trying.",
  failed: "That did not work. Please try again.",
  until: "You can try again at {time}.",
  over: "This face check has ended. Please start again.",
  notDone: "This was not done",
  fallback: "Use another way",
  cancel: "Not now",
  close: "Close",
});

/**
 * The state of a face check: `queued` behind another one, `asking` for the click, `starting`,
 * `waiting` for the provider, `offline`, `repeating` the request. It ends without the request
 * as `over`, or as `cancelled` by the user.
 * @typedef {"queued" | "asking" | "starting" | "waiting" | "offline" | "repeating" | "over"
 *   | "cancelled"} State
 *
 * @typedef {object} Face
 * @property {Partial<Texts>} [texts] texts of the site's own
 * @property {(state: State) => void} [onState] called on each change
 *
 * The state of a challenge; `look` is ours, while it is unknown.
 * @typedef {object} Progress
 * @property {"look" | "attempt" | "wait" | "repeat" | "ask_again"} next
 * @property {string} message
 * @property {string} [state]
 * @property {boolean} [can_reopen] whether the camera page can be opened again
 * @property {{ label: string, values: string[] }[]} lines
 * @property {string | null} [fallback_url]
 * @property {string[]} [ways] the second ways that the user has set up
 * @property {Consent} [consent] what the user has to agree to before a start
 *
 * The text that the user agrees to, and its version.
 * @typedef {{ version: string, text: string }} Consent
 *
 * The refusal of a gate.
 * @typedef {{ challenge: string, status_url: string, attempts_url: string }} Refusal
 */

/** Milliseconds between two polls, at least. */
const EVERY = 2000;
/** Milliseconds between two polls that get no answer. */
const AT_MOST = 30000;
const SECOND = 1000;

/** The reason of the abort when the user leaves the dialog. */
const LEFT = new DOMException("The face check was left.", "AbortError");

/** Statuses that another try of the same user would not change. */
const FINAL = new Set([401, 403, 404]);

/** Headers of one request, not of its sender. */
const OF_ONE_REQUEST = /^(accept|content-.*|if-.*|range|prefer|idempotency-key|face-challenge)$/;

/** @type {Promise<unknown>} the end of the queue: one dialog at a time */
let line = Promise.resolve();

/**
 * Do what `fetch` does; if a gate asks for a face, let the user show it, and send the request
 * once more.
 *
 * Resolves with the response to the second request, or with the gate's own 401 if the user has
 * left the dialog or could not be recognised: the request was not carried out then. A second
 * 401 is returned as it is. Rejects as `fetch` does, and with the reason of `init.signal`.
 *
 * @param {RequestInfo | URL} input
 * @param {RequestInit & { face?: Face }} [init]
 * @returns {Promise<Response>}
 */
export async function fetchWithFace(input, init = {}) {
  const { face = {}, ...rest } = init;
  const request = new Request(input, rest);
  const answer = await fetch(request.clone()); // the body can be read once, and may go twice
  const refusal = await refusalIn(answer, request);
  request.signal.throwIfAborted();
  if (refusal === null) return answer;
  const stepUp = new StepUp(request, refusal, face);
  if (!(await inTurn(() => stepUp.run(), request.signal))) return answer;
  request.headers.set("Face-Challenge", refusal.challenge);
  return fetch(request);
}

/** One face check, from the refusal to its end. */
class StepUp {
  /**
   * @param {Request} request
   * @param {Refusal} refusal
   * @param {Face} face
   */
  constructor(request, refusal, { texts = {}, onState = () => {} }) {
    this.request = request;
    this.refusal = refusal;
    this.onState = onState;
    this.stop = new AbortController();
    const ofThePage = document.getElementById("faceauth-texts")?.textContent;
    /** @type {Texts} */
    this.texts = { ...TEXTS, ...(ofThePage ? JSON.parse(ofThePage) : {}), ...texts };
    this.dialog = new Dialog(this.texts, () => this.start(), () => this.stop.abort(LEFT));
    /** @type {Progress} shown to the user */
    this.progress = { next: "look", message: "", lines: [] };
    /** @type {Progress} last received from the server */
    this.received = this.progress;
    /** What keeps us from the server at the moment. */
    this.trouble = "";
    this.etag = "";
    this.pause = EVERY;
    this.starts = 0;
    this.isStarting = false;
    this.wake = () => {};
    /** @type {State | undefined} */
    this.state = undefined;
    this.say("queued");
  }

  /**
   * Ask and wait; return whether the request may be sent again.
   * @returns {Promise<boolean>}
   */
  async run() {
    const { signal } = this.request;
    signal.throwIfAborted();
    const follow = () => this.stop.abort(signal.reason);
    signal.addEventListener("abort", follow, { once: true });
    try {
      await this.look();
      while (this.progress.next !== "repeat") {
        this.show();
        const pause = stateOf(this.progress) === "waiting" ? this.pause : Infinity;
        if (!(await this.rest(pause))) await this.look();
      }
      this.say("repeating");
      return true;
    } catch (error) {
      if (error !== LEFT) throw error;
      if (this.progress.next !== "ask_again") this.say("cancelled");
      return false;
    } finally {
      signal.removeEventListener("abort", follow);
      this.stop.abort(LEFT); // what is still on its way is of no use
      this.dialog.remove();
    }
  }

  show() {
    this.dialog.show({ ...this.progress, message: this.trouble || this.progress.message });
    this.say(stateOf(this.progress));
  }

  /**
   * Call `onState`; an error in it is reported and changes nothing.
   * @param {State} state
   */
  say(state) {
    if (state === this.state) return;
    this.state = state;
    try {
      this.onState(state);
    } catch (error) {
      reportError(error);
    }
  }

  /**
   * Sleep; resolves with true if the user has started meanwhile.
   * @param {number} milliseconds
   * @returns {Promise<boolean>}
   */
  rest(milliseconds) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    /** @type {Promise<boolean>} */
    const over = new Promise((resolve) => {
      this.wake = () => resolve(true);
      if (milliseconds < Infinity) timer = setTimeout(() => resolve(false), milliseconds);
    });
    return unlessAborted(over, this.stop.signal).finally(() => clearTimeout(timer));
  }

  /** Request the state of the challenge. */
  async look() {
    const { starts } = this;
    try {
      if (!navigator.onLine) await this.online();
      const headers = this.etag ? { "If-None-Match": this.etag } : {};
      const response = await this.call(this.refusal.status_url, { headers });
      const progress = await this.read(response);
      if (starts === this.starts) this.progress = progress; // or it is older than what is shown
      this.trouble = "";
    } catch {
      this.stop.signal.throwIfAborted();
      this.pause = Math.max(this.pause, Math.min(this.pause * 2, AT_MOST));
      this.trouble = this.texts.trouble;
    }
  }

  /**
   * Return the state of the challenge from a response; throws if it has none.
   * @param {Response} response
   * @returns {Promise<Progress>}
   */
  async read(response) {
    if (FINAL.has(response.status)) {
      return { ...this.progress, next: "ask_again", message: this.texts.over };
    }
    if (!response.ok && response.status !== 304) {
      this.pause = Math.max(this.pause, retryAfter(response));
      throw new Error(`status ${response.status}`);
    }
    const progress = response.ok ? this.hear(await response.json()) : this.progress;
    this.etag = response.headers.get("ETag") ?? "";
    this.pause = retryAfter(response);
    return progress;
  }

  /**
   * Return what to show of a response: a text stays until there is news.
   * @param {Progress} received
   * @returns {Progress}
   */
  hear(received) {
    const before = this.received;
    this.received = received;
    const isNew = received.message !== before.message || received.next !== before.next;
    if (!isNew) return { ...received, message: this.progress.message };
    // The server's text is for waiting users: there is none before the first start.
    const isFirst = received.state === "open" && received.next === "attempt";
    return isFirst ? { ...received, message: "" } : received;
  }

  /** Wait for the network. */
  async online() {
    this.dialog.show({ ...this.progress, message: this.texts.offline });
    this.say("offline");
    const back = new Promise((resolve) => addEventListener("online", resolve, { once: true }));
    await unlessAborted(back, this.stop.signal);
  }

  /** Start an attempt, for a click: only then may a window be opened. */
  async start() {
    if (this.isStarting) return;
    if (this.progress.consent && !this.dialog.agrees()) return;
    const tab = window.open("", "_blank"); // null if the browser does not allow it
    if (tab) {
      tab.opener = null;
      tab.document.title = this.texts.heading;
    }
    this.isStarting = true;
    this.dialog.setBusy(true);
    this.say("starting");
    try {
      await this.handOver(tab);
    } catch {
      tab?.close(); // it is still empty, and ours
      this.goOn({ message: this.texts.failed });
    }
    this.isStarting = false;
    this.dialog.setBusy(false);
  }

  /**
   * Get the URL of the camera page, and send the window there.
   * @param {Window | null} tab
   */
  async handOver(tab) {
    const address = this.refusal.attempts_url;
    const { consent } = this.progress;
    const response = await this.call(address, {
      method: "POST",
      headers: { ...csrfHeaders(address), "Content-Type": "application/json" },
      body: JSON.stringify(consent ? { consent: consent.version } : {}),
    });
    if (response.status !== 201) {
      tab?.close();
      this.goOn(await this.refused(response));
      return;
    }
    const { capture_url: url } = await response.json();
    if (!isPage(url)) throw new TypeError("no address of a page");
    const isSent = sendOn(tab, url);
    if (!isSent) setAddress(this.dialog.link, url); // it is stored nowhere else
    const message = isSent ? this.texts.waiting : this.texts.blocked;
    this.goOn({ next: "wait", can_reopen: true, message, consent: undefined });
  }

  /**
   * Return what follows from an attempt that was not started.
   * @param {Response} response
   * @returns {Promise<Partial<Progress>>}
   */
  async refused(response) {
    const { code, title, until, consent_version, consent_text } = await problemIn(response);
    if (code === "consent_required") {
      const consent = { version: String(consent_version), text: String(consent_text) };
      return { next: "attempt", message: "", consent };
    }
    const message = [title || this.texts.failed, this.until(until)].filter(Boolean).join(" ");
    if (response.status === 409) return { next: "wait", message };
    return FINAL.has(response.status) ? { next: "ask_again", message } : { message };
  }

  /**
   * @param {unknown} moment
   * @returns {string}
   */
  until(moment) {
    const date = new Date(typeof moment === "string" ? moment : NaN);
    if (Number.isNaN(date.getTime())) return "";
    const isToday = date.toDateString() === new Date().toDateString();
    const time = date.toLocaleString(document.documentElement.lang || undefined, {
      timeStyle: "short",
      dateStyle: isToday ? undefined : "medium",
    });
    return this.texts.until.replace("{time}", time);
  }

  /**
   * Show the result of a start, and wait on from there.
   * @param {Partial<Progress>} changes
   */
  goOn(changes) {
    if (this.stop.signal.aborted) return;
    this.starts += 1;
    this.etag = this.trouble = "";
    this.pause = EVERY;
    this.progress = { ...this.progress, ...changes };
    this.show(); // at once, also when an answer is waited for
    this.wake();
  }

  /**
   * Call our API as the refused request did, with the credentials that came with it.
   * @param {string} address
   * @param {{ method?: string, headers: Record<string, string>, body?: string }} init
   * @returns {Promise<Response>}
   */
  call(address, { method = "GET", headers, body }) {
    const sent = new Headers({ Accept: "application/json, application/problem+json", ...headers });
    for (const [name, value] of this.request.headers) {
      if (!OF_ONE_REQUEST.test(name)) sent.set(name, value);
    }
    const { credentials } = this.request;
    const { signal } = this.stop;
    return fetch(address, {
      method, body, headers: sent, credentials, signal, cache: "no-store", redirect: "error",
    });
  }
}

/** @type {Readonly<Record<string, State>>} */
const STATES = { attempt: "asking", ask_again: "over", repeat: "repeating" };

/**
 * @param {Progress} progress
 * @returns {State}
 */
const stateOf = ({ next }) => STATES[next] ?? "waiting";

/** The dialog. */
class Dialog {
  /**
   * @param {Texts} texts
   * @param {() => void} onOpen
   * @param {() => void} onLeave
   */
  constructor(texts, onOpen, onLeave) {
    this.texts = texts;
    this.heading = make("h2", { id: "fa-stepup-heading", tabIndex: -1 });
    this.lines = make("dl", { className: "fa-snapshot" });
    this.usual = make("p", { className: "fa-note" }, texts.consent);
    this.steps = make("div", {},
      make("p", { className: "fa-lead" }, texts.lead),
      this.usual,
    );
    this.words = make("p", { className: "fa-words" });
    this.tick = make("input", { type: "checkbox", id: "fa-stepup-consent" });
    this.consent = make("div", { hidden: true }, this.words,
      make("p", { className: "fa-tick" },
        this.tick, make("label", { htmlFor: this.tick.id }, texts.agree),
      ),
    );
    this.news = make("p", { className: "fa-news" });
    this.news.setAttribute("role", "status");
    this.note = make("p", { className: "fa-note" });
    this.button = make("button", { type: "button", className: "fa-button" });
    this.button.addEventListener("click", onOpen);
    this.link = make("a", outside("fa-button"), texts.open);
    this.link.addEventListener("click", () => setTimeout(() => this.takeBack()));
    this.fallback = make("a", outside("fa-button"), texts.fallback);
    this.leave = make("button", { type: "button" });
    this.leave.addEventListener("click", () => this.element.close());
    const actions = make("p", { className: "fa-actions" },
      this.button, this.link, this.fallback, this.leave,
    );
    this.element = make("dialog", { className: "fa-stepup" },
      this.heading, this.lines, this.steps, this.consent, this.news, this.note, actions,
    );
    this.element.setAttribute("aria-labelledby", this.heading.id);
    this.element.addEventListener("close", onLeave); // by the button, and by Escape
    this.link.hidden = true;
  }

  /**
   * Show the state of the challenge and the buttons, and open the dialog if need be.
   * @param {Progress} progress
   */
  show(progress) {
    const { activeElement } = document;
    this.element.dataset.state = stateOf(progress);
    this.showCamera(progress);
    this.showApproved(progress);
    this.showConsent(progress);
    this.showEnd(progress);
    if (!this.element.isConnected) {
      document.body.append(this.element);
      this.element.showModal();
      this.heading.focus(); // what is approved is read before the button
    }
    write(this.news, progress.message ?? ""); // now that it is there: it tells what changes
    if (activeElement instanceof HTMLElement && activeElement.hidden) {
      (this.link.hidden ? this.heading : this.link).focus();
    }
  }

  /**
   * Offer the camera page: for the first time, again, or not.
   * @param {Progress} progress
   */
  showCamera({ next, message, can_reopen = true }) {
    const asks = next === "attempt";
    const waits = next === "wait" && can_reopen;
    if (next !== "wait") this.takeBack();
    write(this.button, asks ? this.texts.open : this.texts.openAgain);
    this.button.classList.toggle("fa-button--secondary", !asks);
    this.button.hidden = !(asks || waits) || !this.link.hidden;
    write(this.note, this.link.hidden ? this.texts.again : this.texts.blocked);
    this.note.hidden = !waits || this.note.textContent === message;
  }

  /**
   * Show what is approved and, before the first start, what happens next.
   * @param {Progress} progress
   */
  showApproved({ next, state, lines = [] }) {
    if (!this.lines.hasChildNodes()) this.lines.append(...lines.map(lineOf)); // they stay
    this.lines.hidden = !this.lines.hasChildNodes();
    this.steps.hidden = next !== "attempt" || state === "retry";
  }

  /**
   * Show the consent, with a box that is not ticked.
   * @param {Progress} progress
   */
  showConsent({ next, consent }) {
    const text = consent?.text ?? "";
    if (this.words.textContent !== text) this.tick.checked = false; // that was for other words
    write(this.words, text);
    this.usual.hidden = consent !== undefined;
    this.consent.hidden = consent === undefined || next !== "attempt";
  }

  /**
   * Return whether the box is ticked; ask for it if it is not.
   * @returns {boolean}
   */
  agrees() {
    if (!this.tick.checked) {
      write(this.news, this.texts.tick);
      this.tick.focus();
    }
    return this.tick.checked;
  }

  /**
   * Offer the ways out: a second way, or the fallback if the face check did not work.
   * @param {Progress} progress
   */
  showEnd({ next, state, fallback_url, ways, consent }) {
    const isOver = next === "ask_again";
    const mayNeed = isOver || (next === "attempt" && (state === "retry" || consent || ways?.length));
    write(this.heading, isOver ? this.texts.notDone : this.texts.heading);
    setAddress(this.fallback, mayNeed && isPage(fallback_url) ? fallback_url : null);
    this.fallback.classList.toggle("fa-button--secondary", !isOver);
    write(this.leave, isOver ? this.texts.close : this.texts.cancel);
    this.leave.className = isOver ? "fa-button fa-button--secondary" : "fa-quiet";
  }

  /** @param {boolean} isBusy */
  setBusy(isBusy) {
    this.button.setAttribute("aria-disabled", String(isBusy)); // `disabled` loses the focus
  }

  /** Forget the URL of the camera page. */
  takeBack() {
    if (this.link.hidden) return;
    const hadFocus = document.activeElement === this.link;
    setAddress(this.link, null);
    write(this.note, this.texts.again);
    this.button.hidden = this.note.hidden = false;
    if (hadFocus) this.button.focus();
  }

  /** Close it, which gives the focus back, and take it out of the page. */
  remove() {
    setAddress(this.link, null);
    this.element.close();
    this.element.remove();
  }
}

/**
 * Make an element; no text is parsed as HTML.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Partial<HTMLElementTagNameMap[Name]>} properties
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
function make(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/**
 * @param {{ label: string, values: string[] }} line
 * @returns {HTMLElement}
 */
function lineOf({ label, values }) {
  const shown = values.length ? values : ["–"];
  const described = shown.map((value) => make("dd", {}, make("bdi", {}, value)));
  return make("div", {}, make("dt", {}, label), ...described);
}

/** @param {string} className */
const outside = (className) => ({ className, target: "_blank", rel: "noopener noreferrer" });

/**
 * Set a text if it differs, so that screen readers do not repeat it.
 * @param {HTMLElement} element
 * @param {string} text
 */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Set the URL of a link, or hide the link.
 * @param {HTMLAnchorElement} link
 * @param {string | null | undefined} url
 */
function setAddress(link, url) {
  link.hidden = !url;
  if (url) link.href = url;
  else link.removeAttribute("href");
}

/**
 * Return whether a URL is that of a page, by HTTPS or, in development, by HTTP.
 * @param {unknown} url
 * @returns {url is string}
 */
function isPage(url) {
  if (typeof url !== "string") return false;
  return url.startsWith("https://") || (location.protocol === "http:" && url.startsWith("http://"));
}

/**
 * Send an empty window on, without a referrer; return whether there was one.
 *
 * Until then it has our own origin, so `closed` is reliable. Afterwards a
 * Cross-Origin-Opener-Policy cuts it off, and it is not asked again.
 * @param {Window | null} tab
 * @param {string} url
 * @returns {boolean}
 */
function sendOn(tab, url) {
  if (!tab || tab.closed) return false;
  const link = tab.document.createElement("a"); // stands in no document
  link.rel = "noreferrer";
  link.href = url;
  link.click();
  return true;
}

/**
 * Return the refusal of a gate; null for any other response.
 * @param {Response} answer
 * @param {Request} request
 * @returns {Promise<Refusal | null>}
 */
async function refusalIn(answer, request) {
  if (answer.status !== 401) return null;
  const { code, challenge, status_url, attempts_url } = await problemIn(answer.clone());
  if (code !== "face_required" || !challenge || !attempts_url) return null;
  const { origin } = new URL(request.url);
  if ([status_url, attempts_url].some((address) => originOf(address) !== origin)) {
    // A response must not send the credentials of a request to another site.
    console.warn(`The gate at ${origin} names addresses of another origin: is its Host right?`);
    return null;
  }
  return { challenge, status_url, attempts_url };
}

/**
 * @param {string} address
 * @returns {string} empty for a malformed URL
 */
function originOf(address) {
  try {
    return new URL(address).origin;
  } catch {
    return "";
  }
}

/**
 * Return problem details (RFC 9457); empty if a response has none.
 * @param {Response} response
 * @returns {Promise<Record<string, any>>}
 */
async function problemIn(response) {
  const type = response.headers.get("Content-Type") ?? "";
  if (!/^application\/problem\+json\b/i.test(type)) return {};
  return (await response.json().catch(() => null)) ?? {};
}

/**
 * Return the CSRF header, for our own origin alone.
 * @param {string} address
 * @returns {Record<string, string>}
 */
function csrfHeaders(address) {
  if (new URL(address).origin !== location.origin) return {};
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  const cookie = /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie);
  const token = field instanceof HTMLInputElement ? field.value : cookie?.[1];
  return token ? { "X-CSRFToken": token } : {};
}

/**
 * Return the `Retry-After` of a response in milliseconds.
 * @param {Response} response
 * @returns {number}
 */
function retryAfter(response) {
  const said = response.headers.get("Retry-After") ?? "";
  const wait = /^\d+$/.test(said) ? Number(said) * SECOND : Date.parse(said) - Date.now();
  return Math.max(EVERY, wait || 0);
}

/**
 * Do some work when the queue before it is empty.
 * @template Result
 * @param {() => Promise<Result>} work
 * @param {AbortSignal} signal
 * @returns {Promise<Result>}
 */
async function inTurn(work, signal) {
  const turn = line;
  /** @type {(value?: unknown) => void} */
  let leave = () => {};
  const left = new Promise((resolve) => (leave = resolve));
  line = turn.then(() => left);
  try {
    await unlessAborted(turn, signal);
    return await work();
  } finally {
    leave();
  }
}

/**
 * Settle as the promise does, or reject with the reason of the signal if that comes first.
 * @template Result
 * @param {Promise<Result>} promise
 * @param {AbortSignal} signal
 * @returns {Promise<Result>}
 */
function unlessAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
