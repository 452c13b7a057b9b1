// Every button that sends a form shows that it is busy, and a second click sends nothing twice. After a download the page stays.

for (const form of document.querySelectorAll("form:not([data-downloads])")) {
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || event.defaultPrevented) return;
    if (button.getAttribute("aria-busy") === "true") event.preventDefault();
    else button.setAttribute("aria-busy", "true");
  });
}

// A page that comes back from the browser's memory is ready again.
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
});

// The first field that was refused is where the reader should be.
document.querySelector("[aria-invalid='true']")?.focus();
