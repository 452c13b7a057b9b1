import type { Message, Notice, ServerFrame, ServerFrames, Summary } from "../src/core/protocol.ts";
import { EMPTY, type Room, type State } from "../src/core/state.ts";
import { reduce } from "../src/core/store.ts";

/** Frames about one room `r` in which Vic sits and Ben writes. */

export const VIC = { kind: "visitor", id: "vic", name: "Vic" } as const;
export const BEN = { kind: "agent", id: "ben", name: "Ben" } as const;

export const line = (seq: number, more: Partial<Message> = {}): Message => ({
  id: `m${seq}`,
  room: "r",
  seq,
  changed: seq,
  by: BEN,
  kind: "text",
  text: `line ${seq}`,
  ts: "2026-11-22T10:00:00.000Z",
  attachments: [],
  reactions: {},
  ...more,
});

export const summary = (head: number, more: Partial<Summary> = {}): Summary => ({
  id: "r",
  kind: "support",
  title: "Vic",
  people: 2,
  head,
  epoch: "e1",
  rev: head,
  ...more,
});

export const msg = (seq: number, more: Partial<Message> = {}): ServerFrame => ({
  t: "msg",
  room: "r",
  seq,
  message: line(seq, more),
});

export const upd = (seq: number, birth: number, more: Partial<Message> = {}): ServerFrame => ({
  t: "upd",
  room: "r",
  seq,
  message: line(birth, { changed: seq, ...more }),
});

export const welcome = (rooms: readonly Summary[] = [], more: Partial<ServerFrames["welcome"]> = {}): ServerFrame => ({
  t: "welcome",
  v: 1,
  me: VIC,
  rooms,
  unread: 0,
  notices: [],
  ping: 25,
  limits: {},
  ...more,
});

export const joined = (
  head: number,
  messages: readonly Message[],
  more: Partial<ServerFrames["joined"]> = {},
): ServerFrame => ({
  t: "joined",
  room: "r",
  summary: summary(head, { unread: 0, epoch: more.epoch ?? "e1" }),
  epoch: "e1",
  head,
  resumed: false,
  messages,
  more: false,
  people: [],
  marks: [],
  ...more,
});

export const notice = (id: string): Notice => ({
  t: "notice",
  id,
  kind: "room_opened",
  title: id,
  body: "",
  url: "/",
  ts: "2026-11-22T10:00:00.000Z",
  actions: [],
});

export const after = (frames: readonly ServerFrame[], from: State = EMPTY, now = 0): State =>
  frames.reduce((state, frame) => reduce(state, { type: "frame", frame, now }), from);

export const roomAfter = (...frames: ServerFrame[]): Room => after([welcome(), ...frames]).rooms.r as Room;

/** Two lines by Ben. */
export const start = joined(2, [line(1), line(2)]);
