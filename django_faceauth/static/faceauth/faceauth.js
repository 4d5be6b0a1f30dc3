// The pages work without this file. With it, a waiting page polls every two seconds instead of
// reloading, and a second click on a button does nothing.
"use strict";

const POLL_INTERVAL = 2000;
const MAX_INTERVAL = 30000;

/** Poll the status of the challenge until there is a next page. */
async function watch(element) {
  for (let pause = POLL_INTERVAL; ; ) {
    await new Promise((resume) => setTimeout(resume, pause));
    const status = await fetchStatus(element.dataset.faceauthStatus);
    if (status === null) {
      pause = Math.min(pause * 2, MAX_INTERVAL);
      continue;
    }
    if (status.next) {
      window.location.replace(status.next);
      return;
    }
    pause = POLL_INTERVAL;
    if (element.textContent !== status.message) show(element, status.message);
  }
}

/** Show a new message, and reload the page once for each. */
function show(element, message) {
  element.textContent = message;
  if (window.history.state?.message === message) return;
  window.history.replaceState({ message }, "");
  window.location.reload();
}

/** Return the status; null without an answer, a reload when the challenge is gone. */
async function fetchStatus(url) {
  try {
    const response = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (response.ok) return await response.json();
    if (response.status === 404) return { next: window.location.href };
  } catch {
    // offline for a moment
  }
  return null;
}

function submitOnce(event) {
  const button = event.target.querySelector("button[type=submit]");
  if (!button) return;
  if (button.getAttribute("aria-disabled") === "true") event.preventDefault();
  button.setAttribute("aria-disabled", "true");
}

document.addEventListener("submit", submitOnce);
// A page that comes back from the browser's history cache can be submitted again.
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[aria-disabled]")) {
    button.removeAttribute("aria-disabled");
  }
});

const element = document.querySelector("[data-faceauth-status]");
if (element) watch(element);
