// Rooms are dragged by their handle; dropped on another, they take its place, sent there by their own form. The arrows do it by keyboard.

let dragged = null;
const rowOf = (target) => (target instanceof Element ? target.closest("[data-order] > li") : null);

function mark(row) {
  for (const marked of document.querySelectorAll(".drop-before, .drop-after")) marked.classList.remove("drop-before", "drop-after");
  if (row && row !== dragged) row.classList.add(follows(dragged, row) ? "drop-after" : "drop-before");
}

const follows = (row, other) => Boolean(row.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);

// Only the handle begins a drag: the text of a row can still be selected.
addEventListener("pointerdown", ({ target }) => {
  const row = rowOf(target);
  if (row) row.draggable = Boolean(target.closest("[data-handle]"));
});

addEventListener("dragstart", (event) => {
  dragged = rowOf(event.target);
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.room);
});

addEventListener("dragover", (event) => {
  const row = rowOf(event.target);
  if (!dragged || !row) return;
  event.preventDefault();
  mark(row);
});

addEventListener("dragend", () => {
  mark(null);
  dragged = null;
});

addEventListener("drop", (event) => {
  const row = rowOf(event.target);
  if (!dragged || !row || row === dragged) return;
  event.preventDefault();
  send(dragged.querySelector("form"), row.dataset.room);
});

function send(form, to) {
  const goal = document.createElement("input");
  Object.assign(goal, { type: "hidden", name: "to", value: to });
  form.append(goal);
  form.requestSubmit();
}
