// Asks every two seconds whether the plan is there, and goes to it. After a minute it asks more slowly, and says so.

const place = document.querySelector("[data-asks]");
const words = place.querySelector("[data-late]");
let asked = 0;

async function ask() {
  asked += 1;
  try {
    const answer = await fetch(place.dataset.asks, { headers: { Accept: "application/json" } });
    if (answer.ok && (await answer.json()).confirmed) return location.reload();
  } catch {
    // offline: the next question may get through
  }
  if (asked === 30) words.textContent = words.dataset.late;
  setTimeout(ask, asked < 30 ? 2000 : 10000);
}

setTimeout(ask, 1500);
