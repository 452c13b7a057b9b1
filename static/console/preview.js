// The page inside a preview: opens the chat as soon as it is there, without taking the focus from the form beside it.

HTMLElement.prototype.focus = () => {};

try {
  localStorage.clear(); // each preview is another site to the loader, which keeps something of every one
} catch {
  // blocked: then nothing is kept either
}

const loader = document.querySelector("script[data-key]");

function open() {
  window.Porchlight?.ready.then(() => window.Porchlight.open());
}

if (window.Porchlight) open();
else loader.addEventListener("load", open);
