// Passkeys: asks the device for one, to log in or to add it, and sends what it answers as a
// form. Without scripts, or where a browser has none, there is the password.
(() => {
  "use strict";
  if (!window.PublicKeyCredential) return;
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  // plain is what a device has answered, as JSON takes it.
  const plain = (answer) => {
    const response = {};
    for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (answer.response[part]) response[part] = text(answer.response[part]);
    }
    if (answer.response.getTransports) response.transports = answer.response.getTransports();
    return JSON.stringify({ id: answer.id, rawId: text(answer.rawId), type: answer.type, response, clientExtensionResults: answer.getClientExtensionResults() });
  };

  const ask = async (form) => {
    const begun = await fetch(form.dataset.begin, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (!begun.ok) throw new Error(begun.headers.get("Content-Type")?.startsWith("text/plain") ? await begun.text() : form.dataset.failed);
    const { publicKey } = await begun.json();
    publicKey.challenge = bytes(publicKey.challenge);
    if (publicKey.user) publicKey.user.id = bytes(publicKey.user.id);
    for (const list of [publicKey.excludeCredentials, publicKey.allowCredentials]) {
      for (const known of list ?? []) known.id = bytes(known.id);
    }
    try {
      return await (publicKey.user ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey }));
    } catch (err) {
      throw new Error(err.name === "InvalidStateError" ? form.dataset.known : form.dataset.failed);
    }
  };

  for (const form of document.querySelectorAll("form.passkey")) {
    form.hidden = false;
    const error = form.querySelector(".error");
    let answered = false;
    form.addEventListener("submit", async (event) => {
      if (answered) return;
      event.preventDefault();
      error.textContent = "";
      try {
        form.elements.credential.value = plain(await ask(form));
      } catch (err) {
        error.textContent = err instanceof TypeError ? form.dataset.failed : err.message;
        return;
      }
      answered = true;
      if (form.elements.password) form.elements.password.value = "";
      form.submit();
    });
  }
})();
