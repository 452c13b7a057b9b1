/** Every word of the panel. Short, plain, second person; an error says what happened, what was kept, what to do. */

export const en = {
  close: "Close chat",
  online: "We are here",
  away: "We reply when we are back",
  log: "Messages",
  composer: "Your message",
  placeholder: "Write a message",
  send: "Send",
  left: (count: number) => `${count} left`,
  tooLong: (count: number) => `${count} too many`,
  rooms: "Rooms",
  here: (count: number) => `${count} here`,
  editing: "Edit your message",
  save: "Save",
  wait: (seconds: number) => `Slow mode: ${seconds} s`,
  connecting: "Connecting…",
  offline: "No connection. Messages wait here.",
  back: "Back",
  parked: "The chat is open in other tabs. It goes on in the one you see.",
  stopped: "The chat cannot go on.",
} as const;

export type Texts = typeof en;
