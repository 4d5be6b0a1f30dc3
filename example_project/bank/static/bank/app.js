// The payouts of one customer as a single-page app on the API of the bank.
import { fetchWithFace } from "../faceauth/stepup.js";

const place = document.querySelector("[data-payouts]");
const { payouts } = place.dataset;
const form = place.querySelector("[data-write]");
const drafts = place.querySelector("[data-drafts]");
const news = place.querySelector("[data-news]");
const { lang } = document.documentElement;
const money = new Intl.NumberFormat(lang, { style: "currency", currency: "EUR" });
const moment = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "medium" });

/** Show a message, also to screen readers. */
function say(text, isBad = false) {
  news.classList.toggle("warning", isBad);
  news.textContent = text;
}

/** Return the options of a POST to the API. */
function post(data) {
  const headers = { Accept: "application/json", "X-CSRFToken": form.csrfmiddlewaretoken.value };
  if (!data) return { method: "POST", headers };
  return {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify(data),
  };
}

/** Return a filled-in copy of a template of the page. */
function filled(template, payout) {
  const copy = document.getElementById(template).content.cloneNode(true).firstElementChild;
  copy.querySelector("[data-payee]").textContent = payout.payee;
  copy.querySelector("[data-amount]").textContent = money.format(payout.amount);
  return copy;
}

function draftOf(payout) {
  const draft = filled("draft", payout);
  const button = draft.querySelector("[data-send]");
  const payee = draft.querySelector("[data-payee]").parentElement;
  payee.id = `payout-${payout.id}`;
  button.id = `send-${payout.id}`;
  button.setAttribute("aria-labelledby", `${button.id} ${payee.id}`);
  button.addEventListener("click", () => send(payout, button));
  return draft;
}

function receiptOf(payout) {
  const receipt = filled("receipt", payout);
  const sentAt = receipt.querySelector("[data-sent-at]");
  sentAt.dateTime = payout.executed_at;
  sentAt.textContent = moment.format(new Date(payout.executed_at));
  const reference = receipt.querySelector("[data-reference]");
  reference.textContent = payout.reference;
  reference.closest("div").hidden = !payout.reference; // a small payout needs no approval
  return receipt;
}

/** Send a draft: fetchWithFace does the face check when the gate asks for one. */
async function send(payout, button) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    const response = await fetchWithFace(`${payouts}${payout.id}/send/`, post());
    const told = await response.json();
    if (response.ok) show(told, button);
    else say(response.status === 401 ? place.dataset.notSent : told.detail || told.title, true);
  } catch {
    say(place.dataset.trouble, true);
  }
  button.removeAttribute("aria-disabled");
}

/** Replace the draft by its receipt. */
function show(payout, button) {
  const receipt = receiptOf(payout);
  const hadFocus = button === document.activeElement;
  button.closest("li").replaceWith(receipt);
  if (hadFocus) receipt.querySelector("h3").focus();
  say(place.dataset.sent);
}

/** Show the errors of each field. */
function blame(errors) {
  for (const name of ["payee", "amount"]) {
    const wrong = (errors[name] ?? []).join(" ");
    form[name].setAttribute("aria-invalid", String(wrong !== ""));
    document.getElementById(`${name}-error`).textContent = wrong;
  }
  form.querySelector("[aria-invalid=true]")?.focus(); // its error is read with it
}

function keep(payout) {
  drafts.prepend(draftOf(payout));
  form.reset();
  say(place.dataset.saved);
}

async function write(event) {
  event.preventDefault();
  const { payee, amount } = form;
  try {
    const response = await fetch(payouts, post({ payee: payee.value, amount: amount.value }));
    const told = await response.json();
    blame(response.status === 400 ? told : {});
    if (response.ok) keep(told);
    else say(told.detail ?? "", true);
  } catch {
    say(place.dataset.trouble, true);
  }
}

async function list() {
  const response = await fetch(payouts, { headers: { Accept: "application/json" } });
  const told = await response.json();
  drafts.append(...told.filter(({ state }) => state === "draft").map(draftOf));
}

form.addEventListener("submit", write);
list().catch(() => say(place.dataset.trouble, true));
