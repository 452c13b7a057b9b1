// What was typed and not kept yet is lost by nobody in silence: who leaves the page with it is asked first.

const CHOICES = new Set(["checkbox", "radio"]);

function isUnsent(field) {
  if (!field.name || field.disabled || field.closest("[data-keeps-nothing]")) return false;
  if (CHOICES.has(field.type)) return field.checked !== field.defaultChecked;
  if (field.type === "file") return field.files.length > 0;
  if (field.options) return isOther([...field.options]);
  return field.type !== "hidden" && field.defaultValue !== undefined && field.value !== field.defaultValue;
}

// Whether another one is chosen than the page came with: the first, where it named none.
function isOther(options) {
  const usual = options.find((option) => option.defaultSelected) ?? options[0];
  return usual !== undefined && !usual.selected;
}

// What came back from the server because it was not kept stands in the page as if it were stored. No file comes back.
const CAME_BACK = "[aria-invalid='true']:not([type='file']), .stored, [data-unsent]";

const holds = (form) => form.querySelector(CAME_BACK) !== null || [...form.elements].some(isUnsent);

let sent;
addEventListener("submit", (event) => {
  if (!event.defaultPrevented) sent = event.target;
});

// Who takes what is stored in the place of theirs has been told. Who opens it beside stays here, with what they typed.
addEventListener("click", ({ target, ctrlKey, metaKey, shiftKey, altKey }) => {
  if (ctrlKey || metaKey || shiftKey || altKey) return;
  const link = target.closest("#changed a");
  if (link) sent = link.closest("form") ?? document.querySelector(CAME_BACK)?.closest("form");
});

addEventListener("beforeunload", (event) => {
  const left = [...document.forms].some((form) => form !== sent && form.method === "post" && holds(form));
  sent = undefined;
  if (!left) return;
  event.preventDefault();
  // Whoever stays can press the button again.
  setTimeout(() => {
    for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
  });
});

// What htmx could not bring there, or what had no answer that could be shown, is said where it was sent.
const unsay = ({ detail: { elt } }) => elt.querySelector(":scope > .unsent")?.remove();

function say({ detail: { elt } }) {
  if (!elt.matches("form")) return;
  const words = Object.assign(document.createElement("p"), { className: "error unsent", role: "alert" });
  words.textContent = "That did not work. Try again; if it stays so, reload the page.";
  elt.append(words);
}
addEventListener("htmx:beforeRequest", unsay);
addEventListener("htmx:sendError", say);
addEventListener("htmx:responseError", say);
