/**
 * What frames do to the state. Pure: no clock, no chance, no network; `now` comes with the action.
 * Rule numbers are those of `docs/protocol.md`.
 */

import { dismiss, notify, seenElsewhere, welcomeNotices } from "./notices.ts";
import { acknowledge, adopt, again, refuse, settle, wrote } from "./pending.ts";
import { expire, feel, populate, presence, type } from "./people.ts";
import type { Id, Ref, ServerFrame, ServerFrames, Summary } from "./protocol.ts";
import { addLine, addPage, join, withMark } from "./room.ts";
import { everyRoom, inKnown, inRoom, without, withoutQuestions } from "./rooms.ts";
import { EMPTY, type Mood, NEW_ROOM, type Outgoing, ownRoom, type Room, type State } from "./state.ts";
import { summarise } from "./summaries.ts";

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
  | { readonly type: "wrote"; readonly pending: Outgoing }
  /** Something goes out once more, from now. */
  | { readonly type: "again"; readonly cid: Id; readonly now: number }
  | { readonly type: "dropped"; readonly cid: Id }
  | { readonly type: "marked"; readonly room: Id; readonly seq: number }
  /** I read a notice, or all. */
  | { readonly type: "seen"; readonly what: Id | "all" }
  | { readonly type: "mood"; readonly mood: Mood }
  /** Summaries from the HTTP API. */
  | { readonly type: "learned"; readonly rooms: readonly Summary[] };

export function reduce(state: State = EMPTY, action: Action): State {
  switch (action.type) {
    case "frame":
      return settle(onFrame(state, action.frame, action.now), action.now);
    case "lost":
      return lost(state);
    case "tick":
      return everyRoom(state, (room) => expire(room, action.now));
    case "want":
      return inRoom(state, action.room, (room) => ({ ...room, joined: action.joined }));
    case "asked":
      return inRoom(state, action.room, (room) => ({ ...room, [action.kind]: { ref: action.ref, at: action.now } }));
    case "wrote":
      return wrote(state, action.pending);
    case "again":
      return again(state, action.cid, action.now);
    case "dropped":
      return { ...state, pending: state.pending.filter((one) => one.cid !== action.cid) };
    case "marked":
      return mark(state, action.room, state.me?.id, action.seq);
    case "seen":
      return dismiss(state, action.what);
    case "mood":
      return feel(state, action.mood);
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
      return acknowledge(state, frame, now);
    case "err":
      return refused(state, frame, now);
    case "typing":
      return type(state, frame, now);
    case "people":
      return inKnown(state, frame.room, (room) => populate(room, frame));
    case "marks":
      return mark(state, frame.room, frame.who, frame.seq);
    case "presence":
      return presence(state, frame);
    case "notice":
      return notify(state, frame);
    case "seen":
      return seenElsewhere(state, frame);
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
    // Told anew after this, whole: without a socket a line goes on with another welcome.
    presence: {},
    visitors: {},
    ...(frame.cursor === undefined ? {} : { cursor: frame.cursor }),
  };
  const known = frame.rooms.reduce(summarise, welcomeNotices(base, frame));
  const mine = ownRoom(known);
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
  return without(state, frame.room, frame.code);
}

/** A refusal of something I did, or of a question. */
function refused(state: State, frame: ServerFrames["err"], now: number): State {
  if (frame.cid !== undefined) return refuse(state, frame, now);
  const asked = Object.values(state.rooms).find((room) => frame.ref !== undefined && asks(room, frame.ref));
  if (!asked) return state;
  if (frame.code === "not_found" || frame.code === "forbidden") return without(state, asked.id, frame.code);
  return inRoom(state, asked.id, withoutQuestions);
}

const asks = (room: Room, ref: Ref): boolean => room.catchUp?.ref === ref || room.older?.ref === ref;

const mark = (state: State, id: Id, who: Id | undefined, seq: number): State =>
  who === undefined ? state : inKnown(state, id, (room) => withMark(room, who, seq, who === state.me?.id));

function heads(state: State, found: Readonly<Record<Id, number>>): State {
  return everyRoom(state, (room) => {
    const head = found[room.id] ?? 0;
    return head > room.head ? { ...room, head } : room;
  });
}
