/** What is asked about rooms once there is a conversation. Fetched with it. */

import type { Id, Summary } from "../core/protocol.ts";
import type { Ask } from "./rooms-api.ts";

/** Comes into the room that an invitation is for. The code stood in somebody's link, so it may hold anything. */
export const accept = async (ask: Ask, code: string): Promise<Summary> =>
  (await ask<{ room: Summary }>("POST", `/../invitations/${encodeURIComponent(code)}`, {})).room;

/** Tells those who keep order of a message. */
export const report = (ask: Ask, room: Id, message: Id): Promise<void> =>
  ask("POST", `/${room}/reports`, { message, reason: "" });

/** A moderator's: this member may not write, or may not come, for so many seconds. */
export const restrain = (
  ask: Ask,
  room: Id,
  person: Id,
  how: { readonly mute_for: number } | { readonly ban_for: number },
): Promise<void> => ask("PUT", `/${room}/members/${person}`, how);
