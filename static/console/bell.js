// Asks what is new every half minute while the page is looked at, and at once when one comes back to it. After an answer that was
// none (signed out, or no line) it asks no more until then.

const EVERY_MS = 30_000;
let isWell = true;

const look = () => document.body.dispatchEvent(new CustomEvent("look"));

setInterval(() => {
  if (!document.hidden && isWell) look();
}, EVERY_MS);

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) look();
});

for (const [name, well] of [["htmx:afterOnLoad", true], ["htmx:responseError", false], ["htmx:sendError", false]]) {
  document.getElementById("bell-in").addEventListener(name, () => {
    isWell = well;
  });
}
