// Every button that sends a form shows that it is busy, and a second click sends nothing twice. After a download the page stays.
addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || event.defaultPrevented || event.target.matches("[data-downloads]")) return;
  if (button.getAttribute("aria-busy") === "true") event.preventDefault();
  else button.setAttribute("aria-busy", "true");
});

// What somebody began to write in the inbox goes when they sign out; the inbox keeps it in this tab.
addEventListener("submit", ({ target }) => {
  if (target.getAttribute("action") !== "/sign-out/") return;
  try {
    sessionStorage.removeItem("porchlight:drafts");
  } catch {
    // The browser keeps nothing, so there is nothing to forget.
  }
});

// A page that comes back from the browser's memory is ready again.
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
});

// What htmx sends is busy until the answer is there.
const sender = ({ elt, requestConfig }) =>
  requestConfig?.triggeringEvent?.submitter ?? (elt.matches("button") ? elt : elt.matches("form") ? elt.querySelector("button") : null);
addEventListener("htmx:beforeRequest", ({ detail }) => sender(detail)?.setAttribute("aria-busy", "true"));
addEventListener("htmx:afterRequest", ({ detail }) => sender(detail)?.removeAttribute("aria-busy"));

// The first field that was refused, or the word that somebody was faster, is where the reader should be, also in what htmx put
// into the page.
const look = (root) => root.querySelector("[aria-invalid='true'], #changed")?.focus();
look(document);
addEventListener("htmx:afterSwap", ({ detail }) => look(detail.target));

// Menus and the drawer close with Escape, and by a click elsewhere. Where the focus was inside, it goes back to the button.
const opened = () => document.querySelectorAll("details[data-closes][open]");

function close(details) {
  const inside = details.contains(document.activeElement);
  details.open = false;
  if (inside) details.querySelector("summary").focus();
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const details of opened()) close(details);
});

addEventListener("click", (event) => {
  for (const details of opened()) if (!details.contains(event.target)) details.open = false;
});
