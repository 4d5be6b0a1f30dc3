// The button of the page on which users confirm with a passkey.
"use strict";

const form = document.querySelector("[data-faceauth-passkey]");
const button = form.querySelector("button[type=submit]");
const isSupported = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON);

/** Show the message of that name, or none. */
function tell(name) {
  for (const message of form.querySelectorAll("[role=alert]")) {
    message.hidden = !message.hasAttribute(`data-faceauth-${name}`);
  }
}

async function usePasskey(event) {
  event.preventDefault();
  event.stopPropagation(); // faceauth.js takes a second press for a double click
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  tell("");
  try {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
      JSON.parse(form.dataset.faceauthPasskey),
    );
    const credential = await navigator.credentials.get({ publicKey });
    form.elements.code.value = JSON.stringify(credential.toJSON());
    form.submit();
  } catch {
    tell("failed"); // cancelled, too late, or no passkey of this user here
    button.removeAttribute("aria-disabled");
  }
}

button.hidden = !isSupported;
if (!isSupported) tell("none");
form.addEventListener("submit", usePasskey);
// A page that comes back from the browser's history cache has another challenge by now.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});
