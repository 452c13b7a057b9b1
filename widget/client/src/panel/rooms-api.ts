/** What a visitor asks of community rooms beside the socket. */

import type { Id, Summary } from "../core/protocol.ts";

export interface Offered extends Summary {
  /** Whether I have a place there already. */
  readonly joined: boolean;
}

/** Asks below the address of the rooms. Where the server refuses, its status is the error's message. */
export type Ask = <T = void>(method: string, path: string, body?: object) => Promise<T>;

export interface RoomsApi {
  readonly ask: Ask;
  /** The community rooms that I may join; the newest hundred or so. */
  list(): Promise<readonly Offered[]>;
  /** Gives up my place. */
  leave(room: Id): Promise<void>;
}

/** `session` is the address of the session; the rooms lie beside it. */
export function createRoomsApi(session: string, token: () => string): RoomsApi {
  const base = session.replace(/session$/, "rooms");

  const ask: Ask = async (method, path, body) => {
    const headers = { Authorization: `Bearer ${token()}`, ...(body && { "Content-Type": "application/json" }) };
    const answer = await fetch(base + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.status === NOTHING ? undefined : answer.json();
  };

  return {
    ask,
    list: async () => (await ask<{ rooms: Offered[] }>("GET", "")).rooms,
    leave: (room) => ask("POST", `/${room}/leave`, {}),
  };
}

const NOTHING = 204;
