// The buttons that ask for a passkey work once everything behind them is there. What went wrong with one is said on the page: the
// browser itself says nothing to whoever cancelled or has none.

const place = document.getElementById("passkey_error");

const WORDS = {
  NotAllowedError: "No passkey came: it was cancelled, took too long, or there is none here for you. Nothing was changed; try again.",
  InvalidStateError: "This device is set up already. Use another, or find it in the list of your passkeys.",
  SecurityError: "The browser does not allow passkeys at this address.",
};

function say(words) {
  place.lastElementChild.textContent = words;
  place.hidden = false;
}

// Of this event the listener of account/js/onload.js, which stands above this one, hears first: it makes the buttons act.
function begin() {
  for (const button of document.querySelectorAll("[data-passkey]")) button.disabled = false;
}

if ("PublicKeyCredential" in window) document.addEventListener("DOMContentLoaded", begin);
else say("This browser has no passkeys. Use the authenticator app, or another browser.");

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  say(WORDS[event.detail.exception?.name] ?? "The passkey could not be used. Nothing was changed; try again.");
});
