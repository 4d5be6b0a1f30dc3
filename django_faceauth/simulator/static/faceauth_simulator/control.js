// The page works without this file: it keeps the list of webhooks fresh.
"use strict";

(() => {
  const REFRESH_MILLISECONDS = 2000;
  const live = document.querySelector("[data-live]");

  function isInUse() {
    // Whoever has reached a button of the list would lose it.
    return live.matches(":hover") || live.contains(document.activeElement);
  }

  async function refresh() {
    if (document.hidden || isInUse()) return;
    const response = await fetch(location.pathname);
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector("[data-live]");
    if (fresh && !isInUse()) live.replaceChildren(...fresh.childNodes);
  }

  // A server that is being restarted is asked again the next time.
  setInterval(() => refresh().catch(() => {}), REFRESH_MILLISECONDS);
})();
