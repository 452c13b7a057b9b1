/** What a client knows: the shape that `store.ts` reduces and interfaces read. Every value is replaced, never changed. */

import type { ErrorCode, Id, LiveVisitor, Message, Notice, Person, PresenceState, Ref, Summary } from "./protocol.ts";

/** Something I did that is not settled yet. */
interface Unsettled {
  readonly cid: Id;
  /** The room, or `NEW_ROOM` until the first message has made one. */
  readonly room: Id;
  /** When it was done; a retry starts anew. Milliseconds since the epoch. */
  readonly at: number;
  /**
   * `waiting`: goes out when it can. `sent`: committed as `seq`, and the room's own frame is on its way.
   * `refused`: the server said `code`; it goes again only if its author asks.
   */
  readonly state: "waiting" | "sent" | "refused";
  readonly seq?: number;
  readonly code?: ErrorCode;
  /** The server's own words, where only it knows what stands in the way: the plan's limit, how much is used, the way out. */
  readonly why?: string;
  /** Before this time the server will not take it: while `waiting` it goes again then by itself. Milliseconds since the epoch. */
  readonly until?: number;
}

/** A message of mine that the room does not show yet. */
export interface Pending extends Unsettled {
  readonly text: string;
  readonly replyTo?: Id;
  /** The form before the chat, sent with the message that makes the room. */
  readonly form?: Readonly<Record<string, string>>;
}

/** What is to become of a message. */
export type Wish =
  | { readonly what: "edit"; readonly text: string }
  | { readonly what: "delete" }
  | { readonly what: "react"; readonly emoji: string; readonly on: boolean };

/** A change of mine that the room does not show yet. `linesOf` shows it already, unless it was refused. */
export interface Change extends Unsettled {
  readonly message: Id;
  readonly wish: Wish;
}

export type Outgoing = Pending | Change;

export interface Typing {
  readonly who: Person;
  readonly draft?: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** A question under way. `catch-up`: brings the view up to date; `older`: pages upwards. */
export interface Question {
  readonly ref: Ref;
  readonly at: number;
}

export interface Early {
  readonly seq: number;
  readonly message: Message;
}

export interface Room {
  readonly id: Id;
  readonly summary?: Summary;
  /** Others' messages born after my mark, at most 99. */
  readonly unread: number;
  /** Whether this client wants the room's messages. */
  readonly joined: boolean;
  /** Whether `messages` is a view of the room at all. */
  readonly loaded: boolean;
  readonly epoch?: Id;
  /** Everything up to this number has been seen. */
  readonly last: number;
  /** The highest number heard of; above `last` there is a hole. */
  readonly head: number;
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** Whether older messages exist. */
  readonly more: boolean;
  /** What arrived ahead of a hole. */
  readonly early: readonly Early[];
  readonly catchUp?: Question;
  /** Set while a catch-up comes in pages: its end. */
  readonly catchUpTo?: number;
  readonly older?: Question;
  readonly people: readonly Person[];
  readonly count: number;
  /** Read marks by person. */
  readonly marks: Readonly<Record<Id, number>>;
  readonly typing: readonly Typing[];
  /** My messages are refused before this time with this code, or would be. Milliseconds since the epoch. */
  readonly silentUntil: number;
  readonly silentBy?: "muted" | "slow_mode";
}

/** What an agent says of themselves. */
export type Mood = Exclude<PresenceState, "offline">;

export interface State {
  readonly me?: Person;
  readonly rooms: Readonly<Record<Id, Room>>;
  /** Messages and changes, in the order they were done. */
  readonly pending: readonly Outgoing[];
  /** Rooms that were taken from me, and why, until I am let in again. */
  readonly left: Readonly<Record<Id, ErrorCode>>;
  /** Where the room list goes on over HTTP. */
  readonly cursor?: string;
  readonly limits: Readonly<Record<string, number>>;
  /** Unread ones, newest first. */
  readonly notices: readonly Notice[];
  readonly unreadNotices: number;
  /** Notices that I read, as long as the server might not know. */
  readonly dismissed: readonly Id[];
  /** What I say of myself; agents only. */
  readonly mood: Mood;
  /** Whether the server might not have heard it. */
  readonly isUnsaid: boolean;
  /** People's states by id. */
  readonly presence: Readonly<Record<Id, PresenceState>>;
  /** How many agents are here, once it was said. */
  readonly agents?: number;
  /** Visitors on the site now, by id; agents only. */
  readonly visitors: Readonly<Record<Id, LiveVisitor>>;
}

/** Stands for the room that the first message will make. */
export const NEW_ROOM = "new";
/** Milliseconds without an answer after which a retry is offered. */
export const LATE = 60_000;
export const MAX_UNREAD = 99;

export const EMPTY: State = {
  rooms: {},
  pending: [],
  left: {},
  limits: {},
  notices: [],
  unreadNotices: 0,
  dismissed: [],
  mood: "online",
  isUnsaid: false,
  presence: {},
  visitors: {},
};

export const emptyRoom = (id: Id): Room => ({
  id,
  unread: 0,
  joined: false,
  loaded: false,
  last: 0,
  head: 0,
  messages: [],
  more: false,
  early: [],
  people: [],
  count: 0,
  marks: {},
  typing: [],
  silentUntil: 0,
});

/** Rooms with a summary, newest last line first. */
export function roomsByRecency(state: State): Room[] {
  const stamp = (room: Room) => room.summary?.last?.ts ?? "";
  return Object.values(state.rooms)
    .filter((room) => room.summary)
    .sort((a, b) => (stamp(a) < stamp(b) ? 1 : stamp(a) > stamp(b) ? -1 : a.id < b.id ? 1 : -1));
}

/** A visitor's newest room with the team. They may be in rooms of many, too. */
export const ownRoom = (state: State): Room | undefined =>
  roomsByRecency(state).find((room) => room.summary?.kind === "support");

export const isChange = (one: Outgoing): one is Change => "wish" in one;

/** My messages that the room does not show yet. */
export const pendingOf = (state: State, room: Id): Pending[] =>
  state.pending.filter((one): one is Pending => one.room === room && !isChange(one));

/** Whether a retry should be offered. */
export const isLate = (one: Outgoing, now: number): boolean => one.state === "waiting" && now - one.at >= LATE;

/** Whether a room's lock and slow mode do not hold me: agents and moderators. */
export const isAbove = (state: State, room: Room): boolean =>
  state.me?.kind === "agent" || room.summary?.mine?.role === "moderator";

/** Whether someone else has read up to `seq`. */
export const isRead = (room: Room, seq: number, me: Id | undefined): boolean =>
  Object.entries(room.marks).some(([who, mark]) => who !== me && mark >= seq);

/** Whether the room is behind and nobody has asked yet. */
export const hasHole = (room: Room): boolean => room.joined && room.loaded && room.head > room.last && !room.catchUp;

/** Whether anything changes by time alone: typing that expires, a message that becomes late, a silence that ends. */
export const ages = (state: State, now: number): boolean =>
  state.pending.some((one) => one.state === "waiting") ||
  Object.values(state.rooms).some((room) => room.typing.length > 0 || room.catchUp || room.silentUntil > now);
