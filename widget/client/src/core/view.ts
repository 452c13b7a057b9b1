/** What is drawn of a room: its lines with my own changes in them already, and whether I may write. Pure. */

import type { Id, Message, Time } from "./protocol.ts";
import { withReaction } from "./reactions.ts";
import { type Change, isAbove, isChange, type Outgoing, type Room, type State } from "./state.ts";

/** A line as I see it. */
export interface Shown extends Message {
  /** My last change of it that the room does not show yet: it is in the line already. */
  readonly changing?: Change;
  /** My last change of it that was refused: the line is as it was. */
  readonly failed?: Change;
}

interface Drawn {
  readonly pending: readonly Outgoing[];
  readonly lines: readonly Shown[];
}

const drawn = new WeakMap<Room, Drawn>();

/** The room's lines, oldest first; the same array as long as nothing in it changed. */
export function linesOf(state: State, room: Room): readonly Shown[] {
  const known = drawn.get(room);
  if (known?.pending === state.pending) return known.lines;
  const lines = draw(state, room);
  drawn.set(room, { pending: state.pending, lines });
  return lines;
}

function draw({ pending, me }: State, room: Room): readonly Shown[] {
  const changes = pending.filter((one): one is Change => one.room === room.id && isChange(one));
  if (changes.length === 0) return room.messages;
  const lines = new Map<Id, Shown>(room.messages.map((message) => [message.id, message]));
  for (const change of changes) {
    const line = lines.get(change.message);
    if (line) lines.set(change.message, withChange(line, change, me?.id));
  }
  return [...lines.values()];
}

const withChange = (line: Shown, change: Change, me: Id | undefined): Shown =>
  change.state === "refused" ? { ...line, failed: change } : { ...changed(line, change, me), changing: change };

function changed(line: Shown, { wish, at }: Change, me: Id | undefined): Shown {
  if (line.deleted) return line;
  if (wish.what === "edit") return { ...line, text: wish.text, edited_at: timeOf(at) };
  if (wish.what === "delete") return { ...line, text: "", attachments: [], reactions: {}, deleted: true };
  return me === undefined ? line : withReaction(line, wish.emoji, wish.on, me);
}

const timeOf = (at: number): Time => new Date(at).toISOString();

/** Why I may not write now, and until when if that ends by itself (milliseconds since the epoch). */
export interface Silence {
  readonly code: "room_closed" | "muted" | "slow_mode";
  readonly until?: number;
}

export function silenceOf(state: State, room: Room, now: number): Silence | undefined {
  const { closed, locked, mine } = room.summary ?? {};
  if (closed || (locked && !isAbove(state, room))) return { code: "room_closed" };
  const muted = mine?.muted_until ? Date.parse(mine.muted_until) : 0;
  if (muted > now) return { code: "muted", until: muted };
  return room.silentBy && room.silentUntil > now ? { code: room.silentBy, until: room.silentUntil } : undefined;
}
