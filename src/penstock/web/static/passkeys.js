// Passkeys: what a browser is asked, and what it answers. Without this file the pages work too.
//   data-passkey        a place with a button that logs in at this address
//   data-adds-passkey   a place with a button that adds a passkey at this address
"use strict";

function bytes(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (one) => one.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function question(options) {
  const list = (all) => (all || []).map((one) => ({ ...one, id: bytes(one.id) }));
  return {
    ...options,
    challenge: bytes(options.challenge),
    ...(options.user ? { user: { ...options.user, id: bytes(options.user.id) } } : {}),
    ...(options.excludeCredentials ? { excludeCredentials: list(options.excludeCredentials) } : {}),
    ...(options.allowCredentials ? { allowCredentials: list(options.allowCredentials) } : {}),
  };
}

function answer(credential) {
  const said = credential.response;
  const response = { clientDataJSON: text(said.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (said[name]) response[name] = text(said[name]);
  }
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function post(address, body) {
  const reply = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const told = await reply.json();
  if (!reply.ok) throw new Error(`${told.error.message}. ${told.error.remedy}`);
  return told;
}

function words(error) {
  if (error.name === "NotAllowedError") return "Nothing was chosen, or it took too long.";
  if (error.name === "InvalidStateError") return "This device has a passkey for you already.";
  if (error.name === "SecurityError") return "Passkeys need a name, not an IP address: open this page by its name.";
  return error.message;
}

function ready(place, work) {
  place.hidden = false;
  const button = place.querySelector("button");
  const trouble = place.querySelector(".error");
  button.addEventListener("click", async () => {
    button.disabled = true;
    trouble.hidden = true;
    try {
      await work();
    } catch (error) {
      trouble.textContent = words(error);
      trouble.hidden = false;
    }
    button.disabled = false;
  });
}

if (window.PublicKeyCredential) {
  for (const place of document.querySelectorAll("[data-passkey]")) {
    ready(place, async () => {
      const address = place.dataset.passkey;
      const { options, ticket } = await post(address, {});
      const publicKey = question(options);
      const credential = answer(await navigator.credentials.get({ publicKey }));
      location.assign((await post(address, { ticket, credential })).next);
    });
  }
  for (const place of document.querySelectorAll("[data-adds-passkey]")) {
    ready(place, async () => {
      const address = place.dataset.addsPasskey;
      const { options, ticket } = await post(address, {});
      const publicKey = question(options);
      const credential = answer(await navigator.credentials.create({ publicKey }));
      const name = place.querySelector("input").value;
      await post(address, { ticket, credential, name });
      location.reload();
    });
  }
}
