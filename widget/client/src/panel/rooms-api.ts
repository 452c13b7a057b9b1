/** What a visitor asks of community rooms beside the socket. */

import type { Id, Summary } from "../core/protocol.ts";

export interface Offered extends Summary {
  /** Whether I have a place there already. */
  readonly joined: boolean;
}

export interface RoomsApi {
  /** The community rooms that I may join; the newest hundred or so. */
  list(): Promise<readonly Offered[]>;
  /** Comes into the room that an invitation is for. */
  accept(code: string): Promise<Summary>;
  /** Gives up my place. */
  leave(room: Id): Promise<void>;
  /** Tells those who keep order of a message. */
  report(room: Id, message: Id): Promise<void>;
  /** A moderator's: this member may not write, or may not come, for so many seconds. */
  restrain(room: Id, person: Id, how: { readonly mute_for: number } | { readonly ban_for: number }): Promise<void>;
}

/** `session` is the address of the session; the rooms lie beside it. Where the server refuses, its status is the error's message. */
export function createRoomsApi(session: string, token: () => string): RoomsApi {
  const base = session.replace(/session$/, "rooms");

  async function ask(method: string, path: string, body?: object): Promise<Response> {
    const headers = { Authorization: `Bearer ${token()}`, ...(body && { "Content-Type": "application/json" }) };
    const answer = await fetch(base + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer;
  }

  return {
    list: async () => ((await (await ask("GET", "")).json()) as { rooms: Offered[] }).rooms,
    accept: async (code) =>
      ((await (await ask("POST", `/../invitations/${code}`, {})).json()) as { room: Summary }).room,
    leave: async (room) => void (await ask("POST", `/${room}/leave`, {})),
    report: async (room, message) => void (await ask("POST", `/${room}/reports`, { message, reason: "" })),
    restrain: async (room, person, how) => void (await ask("PUT", `/${room}/members/${person}`, how)),
  };
}
