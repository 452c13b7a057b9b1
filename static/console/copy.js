// A button with data-copies="id" copies the text of that element, and says so for two seconds.

for (const button of document.querySelectorAll("[data-copies]")) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source); // the clipboard is closed to us: the reader can still copy
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = label), 2000);
  });
}
