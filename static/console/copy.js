// A button with data-copies="id" copies the text of that element, and says so for two seconds.

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copies]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copies);
  button.dataset.label ??= button.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source); // the clipboard is closed to us: the reader can still copy
    button.textContent = "Selected";
  }
  setTimeout(() => (button.textContent = button.dataset.label), 2000);
});
