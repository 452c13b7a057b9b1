// Beside the field of a colour stands the browser's own picker; each follows the other.

const COLOUR = /^#[0-9a-f]{6}$/i;

for (const field of document.querySelectorAll("[data-colour]")) {
  const picker = Object.assign(document.createElement("input"), { type: "color", ariaLabel: "Pick a colour" });
  const row = Object.assign(document.createElement("div"), { className: "colour" });
  const follow = () => {
    if (COLOUR.test(field.value)) picker.value = field.value;
  };
  picker.addEventListener("input", () => {
    field.value = picker.value.toUpperCase();
  });
  field.addEventListener("input", follow);
  field.before(row);
  row.append(picker, field);
  follow();
}
