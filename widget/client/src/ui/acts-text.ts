/** The words for what one may do with a line, in the panel as in the inbox. */

import type { ActTexts } from "./acts.ts";

export const actTexts: ActTexts = {
  more: "What to do with this message",
  react: (emoji) => `React with ${emoji}`,
  reacted: (emoji, count) => `${emoji} ${count}`,
  reply: "Reply",
  edit: "Edit",
  remove: "Remove",
  removeSure: "Remove for everyone",
  failed: "That did not work",
  notChanged: "Not changed.",
  retry: "Try again",
  dismiss: "Leave it",
  quoteGone: "A removed message",
  quoteAway: "An earlier message",
  mute: "Mute for an hour",
  muted: "Muted",
  ban: "Ban for a day",
  banned: "Banned",
};
