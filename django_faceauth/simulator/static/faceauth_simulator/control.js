// The page works without this file: it keeps the lists fresh.
"use strict";

(() => {
  const REFRESH_MILLISECONDS = 2000;
  const lists = [...document.querySelectorAll("[data-live]")];

  function isInUse(list) {
    // A user who has reached a button of the list would lose it.
    return list.matches(":hover") || list.contains(document.activeElement);
  }

  async function refresh() {
    if (document.hidden || lists.every(isInUse)) return;
    const response = await fetch(location.pathname);
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelectorAll("[data-live]");
    lists.forEach((list, index) => {
      if (fresh[index] && !isInUse(list)) list.replaceChildren(...fresh[index].childNodes);
    });
  }

  // A server that is being restarted is tried again the next time.
  setInterval(() => refresh().catch(() => {}), REFRESH_MILLISECONDS);
})();
