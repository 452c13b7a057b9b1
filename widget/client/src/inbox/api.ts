/** The HTTP side of the inbox: lists, one room's visitor, resolve and reopen, the ticket for the socket. */

import type { Id, Page, Summary } from "../core/protocol.ts";
import { Close } from "../core/protocol.ts";
import { Refused, type Session } from "../core/socket.ts";
import type { Filter } from "./rooms.ts";

/** A part of the console beside the inbox, by its path. */
export type ConsolePage = "start" | "rooms" | "moderation" | "people" | "sites" | "audit" | "billing" | "settings";

/** What the page carries for its script, in `#boot`. */
export interface Boot {
  readonly user: { readonly id: Id; readonly name: string; readonly email: string };
  readonly role: string;
  readonly tenant: { readonly id: Id; readonly slug: string; readonly name: string };
  /** Path that the API's paths start with. */
  readonly api: string;
  readonly csrf: string;
  readonly socket: string;
  /** Their own pages, on the platform's host. */
  readonly you: string;
  /** The parts of the console that they may open. */
  readonly pages?: readonly ConsolePage[];
  /** The script tag of the tenant's first site, to be pasted. */
  readonly tag?: string;
}

export interface Visitor {
  readonly id: Id;
  readonly name: string;
  readonly locale: string;
  readonly page: Partial<Page> | null;
  /** What the site's backend calls its user; absent or null of a stranger. */
  readonly external_id?: string | null;
  readonly online: boolean;
  readonly created_at: string;
  readonly seen_at?: string;
}

/** Somebody of the team. */
export interface Member {
  readonly id: Id;
  readonly name: string;
  readonly role: string;
}

/** A viewer reads and does not answer. */
export const mayAnswer = (role: string): boolean => role !== "viewer";

/** A refusal of the API. `status` 0: no answer came. */
export class Failed extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Api {
  rooms(filter: Filter, cursor: string | null): Promise<{ rooms: readonly Summary[]; cursor: string | null }>;
  room(id: Id): Promise<{ room: Summary; visitor: Visitor | null }>;
  resolve(id: Id): Promise<{ room: Summary }>;
  reopen(id: Id): Promise<{ room: Summary }>;
  /** Gives a room to an agent, or to nobody. */
  assign(id: Id, agent: Id | null): Promise<{ room: Summary }>;
  /** The team, by name. */
  team(): Promise<{ members: readonly Member[] }>;
  /** Holds a member of a community room back, for so many seconds. */
  restrain(room: Id, person: Id, how: { readonly mute_for: number } | { readonly ban_for: number }): Promise<void>;
  /** A ticket for the socket. Throws `Refused` when only signing in helps. */
  session(): Promise<Session>;
}

const SIGNED_OUT = 401;
const FORBIDDEN = 403;

export function createApi(boot: Boot, request: typeof fetch = fetch.bind(globalThis)): Api {
  const base = boot.api.replace(/\/$/, "");

  async function call<T>(method: "GET" | "POST" | "PUT", path: string, body?: object): Promise<T> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (method !== "GET") headers["X-CSRFToken"] = boot.csrf;
    if (body) headers["Content-Type"] = "application/json";
    const init: RequestInit = {
      method,
      headers,
      credentials: "same-origin",
      ...(body && { body: JSON.stringify(body) }),
    };
    const answer = await request(base + path, init).catch(() => undefined);
    if (!answer) throw new Failed(0, "no answer");
    if (!answer.ok) throw new Failed(answer.status, `${method} ${path} answered ${answer.status}`);
    return (await answer.json()) as T;
  }

  async function session(): Promise<Session> {
    try {
      const ticket = await call<{ token: string; expires_in: number; socket?: string }>("POST", "/auth/socket-ticket");
      return { token: ticket.token, expiresIn: ticket.expires_in, url: ticket.socket ?? boot.socket };
    } catch (error) {
      throw error instanceof Failed ? refusalOf(error) : error;
    }
  }

  return {
    rooms: (filter, cursor) =>
      call("GET", `/rooms?${new URLSearchParams({ ...asked(filter), ...(cursor ? { cursor } : {}) })}`),
    room: (id) => call("GET", `/rooms/${id}`),
    resolve: (id) => call("POST", `/rooms/${id}/resolve`),
    reopen: (id) => call("POST", `/rooms/${id}/reopen`),
    assign: (id, agent) => call("POST", `/rooms/${id}/assign`, { agent }),
    team: () => call("GET", "/team"),
    restrain: async (room, person, how) => void (await call("PUT", `/rooms/${room}/members/${person}`, how)),
    session,
  };
}

/** What the API calls a filter. */
const asked = (filter: Filter): Record<string, string> =>
  filter === "rooms" ? { kind: "community,team" } : { kind: "support", status: filter };

function refusalOf(error: Failed): Error {
  if (error.status === SIGNED_OUT) return new Refused(Close.revoked);
  if (error.status === FORBIDDEN) return new Refused(Close.notYours);
  return error;
}
