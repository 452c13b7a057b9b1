// The staff's page of live figures: fetches its part anew every few seconds, as long as somebody looks at it.

const SECONDS = 5;
const place = document.getElementById("live");
const state = document.getElementById("live-state");
const button = document.getElementById("live-pause");

let isPaused = false;
let time = state.querySelector("time").textContent;

function say(what) {
  const words = state.dataset[what].replace("{time}", time);
  state.setAttribute("aria-live", what === "fresh" ? "off" : "polite"); // who listens is not told the time again and again
  if (state.textContent !== words) state.textContent = words;
}

/** Where each table was scrolled to, and which had the focus, by its name. */
function positions() {
  return [...place.querySelectorAll("[role=region]")].map((region) => ({
    name: region.getAttribute("aria-label"),
    left: region.scrollLeft,
    hasFocus: region === document.activeElement,
  }));
}

function restore(before) {
  for (const { name, left, hasFocus } of before) {
    const region = [...place.querySelectorAll("[role=region]")].find((one) => one.getAttribute("aria-label") === name);
    if (!region) continue;
    region.scrollLeft = left;
    if (hasFocus) region.focus({ preventScroll: true });
  }
}

/** A link that somebody is about to follow must not vanish under the finger. */
function isInUse() {
  return place.contains(document.activeElement) && document.activeElement.tagName === "A";
}

async function refresh() {
  if (isPaused || document.hidden || isInUse()) return;
  try {
    const answer = await fetch(place.dataset.from, { signal: AbortSignal.timeout(SECONDS * 1000) });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    const text = await answer.text();
    if (isPaused) return;
    const before = positions();
    place.innerHTML = text;
    restore(before);
    time = place.querySelector("[data-at]").dataset.at;
    say("fresh");
  } catch {
    say("stale");
  }
}

button.hidden = false;
button.addEventListener("click", () => {
  isPaused = !isPaused;
  button.setAttribute("aria-pressed", String(isPaused));
  button.textContent = isPaused ? "Go on" : "Stop";
  if (isPaused) say("paused");
  else refresh();
});
document.addEventListener("visibilitychange", refresh);
setInterval(refresh, SECONDS * 1000);
say("fresh");
