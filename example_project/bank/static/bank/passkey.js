// Makes a passkey and sends it with the form.
const form = document.getElementById("passkey");
const options = JSON.parse(document.getElementById("passkey-options").textContent);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options.publicKey);
    form.credential.value = JSON.stringify(await navigator.credentials.create({ publicKey }));
    form.submit();
  } catch {
    form.querySelector("[role=alert]").hidden = false;
  }
});
