/**
 * What frames do to the state. Pure: no clock, no chance, no network; `now` comes with the action.
 * Rule numbers are those of `docs/protocol.md`.
 */

import type { ClientFrames, ErrorCode, Id, Ref, ServerFrame, ServerFrames, Summary } from "./protocol.ts";
import { addLine, addPage, join, withMark } from "./room.ts";
import {
  EMPTY,
  emptyRoom,
  MAX_UNREAD,
  NEW_ROOM,
  type Pending,
  type Room,
  roomsByRecency,
  type State,
} from "./state.ts";

export type Action =
  | { readonly type: "frame"; readonly frame: ServerFrame; readonly now: number }
  /** The connection ended: questions under way will get no answer. */
  | { readonly type: "lost" }
  | { readonly type: "tick"; readonly now: number }
  | { readonly type: "want"; readonly room: Id; readonly joined: boolean }
  | {
      readonly type: "asked";
      readonly room: Id;
      readonly kind: "catchUp" | "older";
      readonly ref: Ref;
      readonly now: number;
    }
  | { readonly type: "wrote"; readonly pending: Pending }
  /** A message goes out once more, from now. */
  | { readonly type: "again"; readonly cid: Id; readonly now: number }
  | { readonly type: "dropped"; readonly cid: Id }
  | { readonly type: "marked"; readonly room: Id; readonly seq: number }
  | { readonly type: "seen"; readonly what: ClientFrames["seen"] }
  /** Summaries from the HTTP API. */
  | { readonly type: "learned"; readonly rooms: readonly Summary[] };

const TYPING_LIFE = 6_000;

export function reduce(state: State = EMPTY, action: Action): State {
  switch (action.type) {
    case "frame":
      return settle(onFrame(state, action.frame, action.now));
    case "lost":
      return lost(state);
    case "tick":
      return everyRoom(state, (room) => expire(room, action.now));
    case "want":
      return inRoom(state, action.room, (room) => ({ ...room, joined: action.joined }));
    case "asked":
      return inRoom(state, action.room, (room) => ({ ...room, [action.kind]: { ref: action.ref, at: action.now } }));
    case "wrote":
      return { ...state, pending: [...state.pending, action.pending] };
    case "again":
      return { ...state, pending: again(state.pending, action.cid, action.now) };
    case "dropped":
      return { ...state, pending: state.pending.filter((one) => one.cid !== action.cid) };
    case "marked":
      return mark(state, action.room, state.me?.id, action.seq);
    case "seen":
      return seen(state, action.what);
    case "learned":
      return action.rooms.reduce(summarise, state);
  }
}

function onFrame(state: State, frame: ServerFrame, now: number): State {
  switch (frame.t) {
    case "welcome":
      return welcome(state, frame);
    case "joined":
      return joined(state, frame, now);
    case "page":
      return inKnown(state, frame.room, (room) => addPage(room, frame, state.me?.id, now));
    case "left":
      return left(state, frame);
    case "msg":
    case "upd":
      return inKnown(state, frame.room, (room) => addLine(room, frame, state.me?.id));
    case "room":
      return summarise(state, frame.summary);
    case "ack":
      return acknowledge(state, frame);
    case "err":
      return refuse(state, frame);
    case "typing":
      return type(state, frame, now);
    case "people":
      return inKnown(state, frame.room, (room) => populate(room, frame));
    case "marks":
      return mark(state, frame.room, frame.who, frame.seq);
    case "presence":
      return presence(state, frame);
    case "notice":
      return { ...state, notices: [frame, ...state.notices], unreadNotices: state.unreadNotices + 1 };
    case "ping":
      return heads(state, frame.heads);
    default:
      return state;
  }
}

/** A visitor's first words may be written before it is known that they have a room: there they go, under the same `cid`. */
function welcome(state: State, frame: ServerFrames["welcome"]): State {
  const { cursor: _old, ...kept } = state;
  const base: State = {
    ...kept,
    me: frame.me,
    limits: frame.limits,
    notices: frame.notices,
    unreadNotices: frame.unread,
    ...(frame.cursor === undefined ? {} : { cursor: frame.cursor }),
  };
  const known = frame.rooms.reduce(summarise, base);
  const mine = frame.me.kind === "visitor" ? roomsByRecency(known)[0] : undefined;
  return mine && known.pending.some((one) => one.room === NEW_ROOM) ? adopt(known, mine.id) : known;
}

/** Who is here is told anew after the next welcome; the count of agents stays, so that no header flickers. */
const lost = (state: State): State => ({
  ...everyRoom(state, (room) => withoutQuestions({ ...room, typing: [] })),
  presence: {},
  visitors: {},
});

function joined(state: State, frame: ServerFrames["joined"], now: number): State {
  const opened = state.pending.some(
    (one) => one.room === NEW_ROOM && frame.messages.some((line) => line.cid === one.cid),
  );
  const known = summarise(opened ? adopt(state, frame.room) : state, frame.summary);
  return inRoom(known, frame.room, (room) => join(room, frame, state.me?.id, now));
}

/** A code says that access ended: the room is gone. Without one it was our own wish. */
function left(state: State, frame: ServerFrames["left"]): State {
  if (frame.code === undefined) return inKnown(state, frame.room, (room) => ({ ...room, joined: false }));
  return without(state, frame.room);
}

/** The newest revision wins (`summary.rev`). A broadcast carries no count, so ours goes on. */
function summarise(state: State, summary: Summary): State {
  return inRoom(state, summary.id, (room) => {
    const known = room.summary;
    if (known && summary.rev < known.rev) return { ...room, unread: summary.unread ?? room.unread };
    return { ...room, summary, unread: unreadOf(state, room, summary) };
  });
}

/** A count that was taken before my mark arrived says nothing any more. */
function unreadOf(state: State, room: Room, summary: Summary): number {
  const mark = room.marks[state.me?.id ?? ""] ?? 0;
  return mark >= summary.head ? 0 : (summary.unread ?? guessUnread(state, room, summary));
}

/** In a joined room the lines themselves are counted; in another one the distance of the heads must do. */
function guessUnread(state: State, room: Room, summary: Summary): number {
  const mine = summary.last?.by === state.me?.name;
  if (room.joined || mine) return room.unread;
  if (!room.summary) return 1; // heard of for the first time: at least the line that made it known
  return Math.min(MAX_UNREAD, room.unread + Math.max(0, summary.head - room.summary.head));
}

function acknowledge(state: State, frame: ServerFrames["ack"]): State {
  const opened = state.pending.some((one) => one.cid === frame.cid && one.room === NEW_ROOM);
  const base = opened ? adopt(state, frame.room) : state;
  const pending = base.pending.map((one) =>
    one.cid === frame.cid ? ({ ...one, state: "sent", seq: frame.seq } as const) : one,
  );
  return { ...base, pending };
}

/** The first message made its room: what was written meanwhile belongs there too. */
function adopt(state: State, id: Id): State {
  const pending = state.pending.map((one) => (one.room === NEW_ROOM ? { ...one, room: id } : one));
  return inRoom({ ...state, pending }, id, (room) => ({ ...room, joined: true }));
}

/** Refusals that pass by themselves leave the message waiting; the others are its author's to decide. */
function refuse(state: State, frame: ServerFrames["err"]): State {
  if (frame.cid !== undefined && !passes(frame.code)) {
    const pending = state.pending.map((one) =>
      one.cid === frame.cid ? ({ ...one, state: "refused", code: frame.code } as const) : one,
    );
    return { ...state, pending };
  }
  const asked = Object.values(state.rooms).find((room) => frame.ref !== undefined && asks(room, frame.ref));
  if (!asked) return state;
  if (frame.code === "not_found" || frame.code === "forbidden") return without(state, asked.id);
  return inRoom(state, asked.id, withoutQuestions);
}

const asks = (room: Room, ref: Ref): boolean => room.catchUp?.ref === ref || room.older?.ref === ref;

/** Whether the same frame may succeed later. */
export const passes = (code: ErrorCode): boolean =>
  code === "rate_limited" || code === "slow_mode" || code === "busy" || code === "internal";

const again = (pending: readonly Pending[], cid: Id, now: number): Pending[] =>
  pending.map((one) => {
    if (one.cid !== cid) return one;
    const { code: _code, ...rest } = one;
    return { ...rest, state: "waiting", at: now };
  });

function type(state: State, frame: ServerFrames["typing"], now: number): State {
  if (frame.who.id === state.me?.id) return state;
  return inKnown(state, frame.room, (room) => {
    const others = room.typing.filter((one) => one.who.id !== frame.who.id);
    const draft = frame.draft === undefined ? {} : { draft: frame.draft };
    const typing = frame.on ? [...others, { who: frame.who, ...draft, until: now + TYPING_LIFE }] : others;
    return { ...room, typing };
  });
}

function expire(room: Room, now: number): Room {
  const typing = room.typing.filter((one) => one.until > now);
  return typing.length === room.typing.length ? room : { ...room, typing };
}

/** A list is a sample of a large room and comes with the count; one person is a change. */
function populate(room: Room, frame: ServerFrames["people"]): Room {
  if (!("id" in frame.who)) return { ...room, people: frame.who, count: frame.count ?? frame.who.length };
  const { who } = frame;
  const others = room.people.filter((one) => one.id !== who.id);
  const people = frame.on === false ? others : [...others, who];
  return { ...room, people, count: frame.count ?? people.length };
}

const mark = (state: State, id: Id, who: Id | undefined, seq: number): State =>
  who === undefined ? state : inKnown(state, id, (room) => withMark(room, who, seq, who === state.me?.id));

function presence(state: State, frame: ServerFrames["presence"]): State {
  const agents = frame.agents === undefined ? {} : { agents: frame.agents };
  const states = frame.who && frame.state ? { [frame.who.id]: frame.state } : {};
  const visitors = { ...state.visitors };
  for (const one of frame.visitors ?? []) {
    if (one.on) visitors[one.id] = one;
    else delete visitors[one.id];
  }
  return { ...state, ...agents, presence: { ...state.presence, ...states }, visitors };
}

function seen(state: State, what: ClientFrames["seen"]): State {
  if ("all" in what) return { ...state, notices: [], unreadNotices: 0 };
  const notices = state.notices.filter((one) => one.id !== what.notification);
  const gone = state.notices.length - notices.length;
  return { ...state, notices, unreadNotices: Math.max(0, state.unreadNotices - gone) };
}

function heads(state: State, found: Readonly<Record<Id, number>>): State {
  return everyRoom(state, (room) => {
    const head = found[room.id] ?? 0;
    return head > room.head ? { ...room, head } : room;
  });
}

function withoutQuestions(room: Room): Room {
  const { catchUp: _one, catchUpTo: _two, older: _three, ...rest } = room;
  return rest;
}

function without(state: State, id: Id): State {
  const { [id]: _gone, ...rooms } = state.rooms;
  return { ...state, rooms };
}

const inRoom = (state: State, id: Id, change: (room: Room) => Room): State => ({
  ...state,
  rooms: { ...state.rooms, [id]: change(state.rooms[id] ?? emptyRoom(id)) },
});

/** For frames about rooms that this client may have left meanwhile. */
const inKnown = (state: State, id: Id, change: (room: Room) => Room): State =>
  state.rooms[id] ? inRoom(state, id, change) : state;

function everyRoom(state: State, change: (room: Room) => Room): State {
  let changed = false;
  const rooms: Record<Id, Room> = {};
  for (const [id, room] of Object.entries(state.rooms)) {
    rooms[id] = change(room);
    changed ||= rooms[id] !== room;
  }
  return changed ? { ...state, rooms } : state;
}

/** Messages that the room shows by now are no longer pending. */
function settle(state: State): State {
  if (state.pending.length === 0) return state;
  const pending = state.pending.filter((one) => !isShown(state.rooms[one.room], one));
  return pending.length === state.pending.length ? state : { ...state, pending };
}

function isShown(room: Room | undefined, one: Pending): boolean {
  if (one.state === "sent" && (!room?.joined || (one.seq ?? 0) <= room.last)) return true;
  return room?.messages.some((message) => message.cid === one.cid) ?? false;
}
