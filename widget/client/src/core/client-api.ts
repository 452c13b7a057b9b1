/** What a client without a face offers to those who draw one. */

import type { Listener } from "./emitter.ts";
import type { Id, Page, ServerFrames, Summary } from "./protocol.ts";
import type { SocketOptions, Status } from "./socket.ts";
import type { Mood, State } from "./state.ts";

export interface ClientOptions extends Pick<SocketOptions, "getSession" | "connect" | "surroundings" | "clock"> {
  /** BCP 47 tag, told in `hello`. */
  readonly locale?: string;
  /** A UUID; for tests. */
  readonly newId?: () => Id;
}

export interface Events {
  /** A connection begins; its rooms are in the state already. */
  welcome: ServerFrames["welcome"];
  /** A notification that came just now; it is in `state().notices` already. */
  notice: ServerFrames["notice"];
  /** The server lost hints: fetch lists again over HTTP. */
  resync: undefined;
}

export interface SendOptions {
  readonly replyTo?: Id;
}

/**
 * What is drawn: `state()`, of a room `linesOf(state, room)` (its messages with my changes in them) and `pendingOf(state, room)`
 * (my messages on their way) below them, `silenceOf(state, room, now)` (why I may not write), and `state().left` (rooms taken from me).
 */
export interface Client {
  state(): State;
  status(): Status;
  /** Calls `fn` after each change of state or status; the answer ends it. */
  subscribe(fn: () => void): () => void;
  on<K extends keyof Events>(name: K, fn: Listener<Events[K]>): () => void;
  start(): void;
  stop(): void;
  /** Connects at once instead of waiting. */
  reconnect(): void;
  /** Answers the `cid` under which the message stands in `state().pending` until the room shows it. */
  send(room: Id, text: string, options?: SendOptions): Id;
  /** Makes a support room with its first message; until the answer it stands under `NEW_ROOM`. */
  open(text: string, form?: Readonly<Record<string, string>>): Id;
  /**
   * Changes a message: shown at once by `linesOf`, kept in order and sent again like a message. Refused, the line is as it was and
   * carries the refusal as `failed`, for `retry` or `discard`. Answers the `cid`.
   */
  edit(room: Id, message: Id, text: string): Id;
  remove(room: Id, message: Id): Id;
  react(room: Id, message: Id, emoji: string, on: boolean): Id;
  /** Sends a late or refused message or change again. */
  retry(cid: Id): void;
  /** Gives up what was not sent; answers the text of a message or an edit. */
  discard(cid: Id): string | undefined;
  join(room: Id): void;
  leave(room: Id): void;
  /** Asks for the page above the oldest line, once at a time. */
  older(room: Id): void;
  read(room: Id, seq: number): void;
  /** Call at each key press: one frame per 3 s leaves. `false` says at once that the typing ended. */
  typing(room: Id, on: boolean, draft?: string): void;
  page(page: Page): void;
  /** What an agent says of themselves; holds until said otherwise. */
  presence(mood: Mood): void;
  /** A notice, or all of them, was read: on my other tabs too, and not again after the next welcome. */
  markSeen(what: Id | "all"): void;
  /** Adds summaries that came over HTTP. */
  learn(rooms: readonly Summary[]): void;
}
