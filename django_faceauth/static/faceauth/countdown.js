// Pages say until when a face check counts without this file. With it, they count down.
// Only the server decides; a clock that is wrong here opens and closes nothing.
"use strict";

{
  const SECOND = 1000;
  // What is said aloud, and at how many seconds before the end.
  const SAID = [["over", 0], ["halfMinute", 30], ["minute", 60]];

  /** Write seconds as minutes and seconds, and hours if there are any. */
  const written = (seconds) => {
    const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
    const hours = Math.floor(seconds / 3600);
    const [first, ...rest] = hours ? [hours, ...parts] : parts;
    return [first, ...rest.map((part) => String(part).padStart(2, "0"))].join(":");
  };

  /** Count down once a second, and speak up at a few moments only. */
  const count = (place) => {
    const time = place.querySelector("[data-faceauth-expires]");
    const told = place.querySelector("[data-faceauth-told]");
    const ends = Date.parse(time.dateTime);
    const left = () => Math.max(0, Math.ceil((ends - Date.now()) / SECOND));
    let before = left() + 1;

    const show = () => {
      const now = left();
      const due = SAID.find(([, mark]) => now <= mark && mark < before);
      if (due) told.textContent = place.dataset[due[0]];
      time.textContent = written(now);
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
