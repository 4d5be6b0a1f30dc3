// Pages show until when a face check is valid without this file. With it, they count down.
// Only the server decides: a wrong clock here opens and closes nothing.
"use strict";

{
  const SECOND = 1000;
  // What is announced, and how many seconds before the end.
  const ANNOUNCEMENTS = [["over", 0], ["halfMinute", 30], ["minute", 60]];

  /** Format seconds as minutes and seconds, with hours if there are any. */
  const format = (seconds) => {
    const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
    const hours = Math.floor(seconds / 3600);
    const [first, ...rest] = hours ? [hours, ...parts] : parts;
    return [first, ...rest.map((part) => String(part).padStart(2, "0"))].join(":");
  };

  /** Count down every second, and announce a few moments only. */
  const count = (place) => {
    const time = place.querySelector("[data-faceauth-expires]");
    const announcer = place.querySelector("[data-faceauth-told]");
    const ends = Date.parse(time.dateTime);
    const left = () => Math.max(0, Math.ceil((ends - Date.now()) / SECOND));
    let before = left() + 1;

    const show = () => {
      const now = left();
      const due = ANNOUNCEMENTS.find(([, mark]) => now <= mark && mark < before);
      if (due) announcer.textContent = place.dataset[due[0]];
      time.textContent = format(now);
      before = now;
      if (now === 0) clearInterval(clock);
    };

    const timer = time.parentElement;
    const [start, end] = timer.dataset.left.split("{time}");
    timer.replaceChildren(start, time, end ?? "");
    const clock = setInterval(show, SECOND);
    show();
  };

  for (const place of document.querySelectorAll("[data-faceauth-countdown]")) {
    if (place.dataset.counts) continue;
    place.dataset.counts = "yes";
    count(place);
  }
}
