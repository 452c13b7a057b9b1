// What is sent before htmx is there waits for it: by itself the browser would leave the page, and what was typed beside would be lost.

const SENT_BY_HTMX = "form[hx-post]";
const early = new Map();

function wait(event) {
  const { target, submitter } = event;
  if (!target.matches(SENT_BY_HTMX)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  early.get(target)?.removeAttribute("aria-busy");
  early.set(target, submitter);
  submitter?.setAttribute("aria-busy", "true");
}

function send() {
  removeEventListener("submit", wait, true);
  for (const [form, button] of early) {
    button?.removeAttribute("aria-busy");
    form.requestSubmit(button);
  }
  early.clear();
}

addEventListener("submit", wait, true);
addEventListener("htmx:load", send, { once: true });
// Where htmx could not be had, the browser does what it can.
addEventListener("load", () => {
  if (!window.htmx) send();
});
