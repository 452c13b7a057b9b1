// What was typed before htmx was there, or kept by the browser over a reload, is news to the preview as well.

const preview = document.getElementById("preview");
const form = document.querySelector(preview.getAttribute("hx-include"));

const isNew = (field) =>
  field.defaultValue !== undefined && (field.value !== field.defaultValue || field.checked !== field.defaultChecked);

addEventListener(
  "htmx:load",
  () => {
    if ([...form.elements].some(isNew)) form.dispatchEvent(new Event("input"));
  },
  { once: true },
);
