/** The words of what is fetched later. */

export const en = {
  more: "What to do with this message",
  react: (emoji: string) => `React with ${emoji}`,
  reacted: (emoji: string, count: number) => `${emoji} ${count}`,
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
  report: "Report",
  reported: "Reported",
  mute: "Mute for an hour",
  muted: "Muted",
  ban: "Ban for a day",
  banned: "Banned",
  editing: "Edit your message",
  you: "You",
  replying: (name: string) => `Reply to ${name}`,
  cancel: "Cancel",
  askHint: "Only you and the team see it",
  rooms: "Rooms",
  ask: "Ask the team",
  people: (count: number) => (count === 1 ? "1 person" : `${count} people`),
  silent: {
    room_closed: "This room takes no messages at the moment.",
    muted: "You may not write here at the moment.",
    slow_mode: "One message at a time: you may write again in a moment.",
  },
  until: (words: string, time: string) => `${words} Until ${time}.`,
} as const;

export type ExtraTexts = typeof en;
