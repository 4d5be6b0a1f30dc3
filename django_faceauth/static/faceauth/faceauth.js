// The pages work without this file. With it, a waiting page looks every two seconds
// instead of loading itself again, and a second click on a button does nothing.
"use strict";

const EVERY = 2000;
const AT_MOST = 30000;

/** Ask where the challenge stands until there is somewhere to go on to. */
async function watch(place) {
  for (let pause = EVERY; ; ) {
    await new Promise((resume) => setTimeout(resume, pause));
    const told = await ask(place.dataset.faceauthStatus);
    if (told === null) {
      pause = Math.min(pause * 2, AT_MOST);
      continue;
    }
    if (told.next) {
      window.location.replace(told.next);
      return;
    }
    pause = EVERY;
    if (place.textContent !== told.message) renew(place, told.message);
  }
}

/** Show news: the whole page anew, once for each piece of it. */
function renew(place, message) {
  place.textContent = message;
  if (window.history.state?.told === message) return;
  window.history.replaceState({ told: message }, "");
  window.location.reload();
}

/** Fetch the status; null when there was no answer, a reload when it is not ours any more. */
async function ask(url) {
  try {
    const response = await fetch(url, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (response.ok) return await response.json();
    if (response.status === 404) return { next: window.location.href };
  } catch {
    // offline for a moment
  }
  return null;
}

function once(event) {
  const button = event.target.querySelector("button[type=submit]");
  if (!button) return;
  if (button.getAttribute("aria-disabled") === "true") event.preventDefault();
  button.setAttribute("aria-disabled", "true");
}

document.addEventListener("submit", once);
// A page that comes back from the browser's memory is as good as new.
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[aria-disabled]")) {
    button.removeAttribute("aria-disabled");
  }
});

const place = document.querySelector("[data-faceauth-status]");
if (place) watch(place);
