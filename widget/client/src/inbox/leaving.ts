/** Before the page goes with what was not sent, the browser asks. */

import type { Model } from "./model.ts";

/** A link within this page was followed so short a time ago: the tab stays, and keeps the drafts. Milliseconds. */
const JUST_NOW = 1_000;

export function askBeforeLeaving(model: Model): void {
  let followed = Number.NEGATIVE_INFINITY;
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link && link.origin === location.origin && !event.defaultPrevented) followed = event.timeStamp;
  });
  window.addEventListener("beforeunload", (event) => {
    const stays = event.timeStamp - followed < JUST_NOW;
    if (wouldLose(model, stays)) event.preventDefault();
  });
}

/** Messages that are not acknowledged live in the page alone; drafts in the tab. */
export const wouldLose = ({ client, drafts }: Pick<Model, "client" | "drafts">, tabStays: boolean): boolean =>
  client.state().pending.some((one) => one.state !== "sent") || (!tabStays && drafts.areThere());
