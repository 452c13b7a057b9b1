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
  retry: "Try again",
  rooms: "Rooms",
  leave: "Leave the room",
  ask: "Ask the team",
  here: (count: number) => `${count} here`,
  editing: "Edit your message",
  save: "Save",
  wait: (seconds: number) => `Slow mode: ${seconds} s`,
  connecting: "Connecting…",
  offline: "You are offline. Messages wait here.",
  back: "Back",
  parked: "This chat is open in several tabs. It goes on in the one you look at.",
  stopped: {
    4400: "This page is out of date. Reload it to go on.",
    4401: "This chat has ended on this device.",
    4403: "This chat may not be used on this page.",
    4404: "There is no chat for this site.",
    4410: "This chat is not available at the moment.",
    4426: "A new version is here. Reload the page to go on.",
  } as Readonly<Record<number, string>>,
  stoppedOther: "The chat could not go on. Reload the page.",
} as const;

export type Texts = typeof en;
