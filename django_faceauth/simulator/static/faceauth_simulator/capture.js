// The page works without this file: it adds the camera preview and stops double clicks.
"use strict";

(() => {
  const start = document.querySelector("[data-start-preview]");
  const preview = document.querySelector("[data-preview]");
  const failed = document.querySelector("[data-preview-failed]");
  const form = document.querySelector("[data-once]");

  async function showPreview() {
    try {
      // Shown to the user only: the stream goes to this element alone.
      preview.srcObject = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "user" },
        audio: false,
      });
      preview.hidden = false;
      await preview.play();
    } catch {
      preview.hidden = true;
      failed.textContent = failed.dataset.message;
    }
    start.hidden = true;
    form.querySelector("button").focus();
  }

  if (navigator.mediaDevices?.getUserMedia) {
    start.addEventListener("click", showPreview);
    start.hidden = false;
  }

  let isSent = false;
  form.addEventListener("submit", (event) => {
    if (isSent) event.preventDefault();
    isSent = true;
  });
})();
