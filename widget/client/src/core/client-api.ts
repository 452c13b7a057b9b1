/** What a client without a face offers to those who draw one. */

import type { Listener } from "./emitter.ts";
import type { Id, Page, ServerFrames, Summary } from "./protocol.ts";
import type { SocketOptions, Status } from "./socket.ts";
import type { State } from "./state.ts";

export interface ClientOptions extends Pick<SocketOptions, "getSession" | "connect" | "surroundings" | "clock"> {
  /** BCP 47 tag, told in `hello`. */
  readonly locale?: string;
  /** A UUID; for tests. */
  readonly newId?: () => Id;
}

export interface Events {
  /** A connection begins; its rooms are in the state already. */
  welcome: ServerFrames["welcome"];
  /** The server lost hints: fetch lists again over HTTP. */
  resync: undefined;
}

export interface SendOptions {
  readonly replyTo?: Id;
}

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
  /** Sends a late or refused message again. */
  retry(cid: Id): void;
  /** Gives up a message that was not sent; answers its text. */
  discard(cid: Id): string | undefined;
  join(room: Id): void;
  leave(room: Id): void;
  /** Asks for the page above the oldest line, once at a time. */
  older(room: Id): void;
  read(room: Id, seq: number): void;
  /** Call at each key press: one frame per 3 s leaves. `false` says at once that the typing ended. */
  typing(room: Id, on: boolean, draft?: string): void;
  page(page: Page): void;
  seen(what: { readonly notification: Id } | { readonly all: true }): void;
  /** Adds summaries that came over HTTP. */
  learn(rooms: readonly Summary[]): void;
}
