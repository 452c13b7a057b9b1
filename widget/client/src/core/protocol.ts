/**
 * The wire, version 1: every frame that travels, as a closed union, and the codes that steer a client.
 * The text of it is `docs/protocol.md`; `tests/contract/frames.json` holds both ends to the same examples.
 */

export const VERSION = 1;
export const SUBPROTOCOL = "porchlight.v1";
export const MAX_TEXT = 4000;

/** A UUID. */
export type Id = string;
/** RFC 3339 in UTC with milliseconds. */
export type Time = string;
export type Ref = number | string;

export interface Author {
  readonly kind: "agent" | "visitor" | "system";
  readonly id: Id | null;
  readonly name: string;
  readonly avatar?: string;
}

export interface Person {
  readonly kind: "agent" | "visitor";
  readonly id: Id;
  readonly name: string;
  readonly role?: string;
}

/** Who put one emoji under a message: how many, and the first 20 of them. In what is made for me, I stand first. */
export interface Reacted {
  readonly n: number;
  readonly who: readonly Id[];
}

export interface Message {
  readonly id: Id;
  readonly room: Id;
  /** The number of its birth. */
  readonly seq: number;
  /** The number of its last change. */
  readonly changed: number;
  readonly by: Author;
  readonly kind: "text" | "system" | "form";
  readonly text: string;
  readonly ts: Time;
  readonly cid?: Id;
  readonly attachments: readonly unknown[];
  readonly reply_to?: Id;
  readonly reactions: Readonly<Record<string, Reacted>>;
  readonly edited_at?: Time;
  readonly deleted?: boolean;
}

export interface Summary {
  readonly id: Id;
  readonly kind: string;
  readonly title: string;
  readonly people: number;
  readonly head: number;
  readonly epoch: Id;
  readonly rev: number;
  readonly status?: string;
  readonly assignee?: Id | null;
  readonly labels?: readonly string[];
  readonly site?: { readonly id: Id; readonly name: string };
  readonly visitor?: Id;
  readonly last?: { readonly text: string; readonly by: string; readonly ts: Time };
  /** Mine; absent in a broadcast. */
  readonly unread?: number;
  /** The room of the team's notes about this one; agents only. */
  readonly notes?: Id;
  /** How many of them I have not read; mine, as `unread` is. */
  readonly notes_unread?: number;
  /** Of a room of notes: what it is about. It is no room of its own in a list. */
  readonly notes_of?: Id;
  /** Messages, newest pin first; absent when there are none. */
  readonly pinned?: readonly Id[];
  readonly locked?: boolean;
  readonly closed?: boolean;
  /** Seconds between two messages of one member. */
  readonly slow?: number;
  /** What I am in a community room; absent for a member who may write, and in a broadcast. */
  readonly mine?: { readonly role: "member" | "moderator"; readonly muted_until?: Time };
}

export interface Mark {
  readonly who: Id;
  readonly seq: number;
}

export interface Page {
  readonly url: string;
  readonly title: string;
  readonly referrer: string;
}

/** A visitor on the site now, as agents see them. */
export interface LiveVisitor {
  readonly id: Id;
  readonly name: string;
  readonly page: Page;
  readonly on: boolean;
}

export interface Notice {
  readonly t: "notice";
  readonly id: Id;
  readonly kind: string;
  readonly title: string;
  readonly body: string;
  readonly url: string;
  readonly ts: Time;
  readonly room?: Id | null;
  readonly actions: readonly { readonly label: string; readonly url: string }[];
}

/** Where a client stands in a room: it has everything of `epoch` up to `after`. */
export interface Position {
  readonly room: Id;
  readonly epoch: Id;
  readonly after: number;
}

export type PresenceState = "online" | "away" | "busy" | "offline";

interface ClientFields {
  hello: { v: number; token: string; rooms?: readonly Position[]; locale?: string; page?: Page };
  auth: { token: string };
  open: { cid: Id; kind: "support"; text?: string; form?: Readonly<Record<string, string>> };
  join: { ref: Ref; room: Id; epoch?: Id; after?: number };
  leave: { ref: Ref; room: Id };
  history: { ref: Ref; room: Id; before: number };
  send: { cid: Id; room: Id; text?: string; attachments?: readonly Id[]; reply_to?: Id };
  edit: { cid: Id; room: Id; message: Id; text: string };
  delete: { cid: Id; room: Id; message: Id };
  react: { cid: Id; room: Id; message: Id; emoji: string; on: boolean };
  read: { room: Id; seq: number };
  typing: { room: Id; on: boolean; draft?: string };
  presence: { state: Exclude<PresenceState, "offline"> };
  page: { url: string; title: string; referrer: string };
  seen: { notification: Id } | { all: true };
  ping: { n: number };
}

interface ServerFields {
  welcome: {
    v: number;
    me: Person;
    rooms: readonly Summary[];
    cursor?: string;
    unread: number;
    notices: readonly Notice[];
    /** Seconds between heartbeats. */
    ping: number;
    limits: Readonly<Record<string, number>>;
  };
  joined: {
    ref?: Ref;
    room: Id;
    summary: Summary;
    epoch: Id;
    head: number;
    resumed: boolean;
    messages: readonly Message[];
    more: boolean;
    people: readonly Person[];
    marks: readonly Mark[];
  };
  page: { ref: Ref; room: Id; messages: readonly Message[]; more: boolean };
  left: { ref?: Ref; room: Id; code?: ErrorCode };
  msg: { room: Id; seq: number; message: Message };
  upd: { room: Id; seq: number; message: Message };
  room: { room: Id; summary: Summary };
  ack: { cid: Id; room: Id; seq: number; id: Id; ts: Time };
  /** `retry_after` in seconds. */
  err: { cid?: Id; ref?: Ref; code: ErrorCode; message: string; retry_after?: number; field?: string };
  typing: { room: Id; who: Person; on: boolean; draft?: string };
  people: { room: Id; who: Person | readonly Person[]; on?: boolean; count?: number };
  marks: { room: Id; who: Id; seq: number };
  presence: { who?: Person; state?: PresenceState; agents?: number; visitors?: readonly LiveVisitor[] };
  notice: Omit<Notice, "t">;
  /** I have seen it on another of my sockets. */
  seen: { notification?: Id; all?: boolean; unread: number };
  resync: object;
  authed: { expires_in: number };
  pong: { n: number };
  ping: { n: number; heads: Readonly<Record<Id, number>> };
  /** `after` in milliseconds. */
  bye: { code: number; after: number };
}

type Tagged<Fields> = { [T in keyof Fields]: { readonly t: T } & Readonly<Fields[T]> };

export type ClientFrames = Tagged<ClientFields>;
export type ServerFrames = Tagged<ServerFields>;
export type ClientFrame = ClientFrames[keyof ClientFrames];
export type ServerFrame = ServerFrames[keyof ServerFrames];

export type ErrorCode =
  | "bad_frame"
  | "too_large"
  | "too_long"
  | "empty"
  | "not_found"
  | "forbidden"
  | "conflict"
  | "rate_limited"
  | "plan_limit"
  | "room_closed"
  | "muted"
  | "slow_mode"
  | "attachment_refused"
  | "read_only"
  | "busy"
  | "internal";

/** Close codes that say more than "come back". */
export const Close = {
  tokenExpired: 4001,
  badProtocol: 4400,
  revoked: 4401,
  notYours: 4403,
  noSuchSite: 4404,
  tooManySockets: 4409,
  suspended: 4410,
  clientTooOld: 4426,
} as const;

/** Whether a close code ends the conversation until someone acts: 4400-4499. */
export const isFinal = (code: number): boolean => code >= 4400 && code <= 4499;

/**
 * The frame in `text`, or nothing when it holds none. Its fields are trusted, since this server wrote them for this client;
 * a name that is not known is for a newer client, and the store lets it pass by.
 */
export function decode(text: string): ServerFrame | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value && "t" in value ? (value as ServerFrame) : undefined;
  } catch {
    return undefined;
  }
}

export const encode = (frame: ClientFrame): string => JSON.stringify(frame);
