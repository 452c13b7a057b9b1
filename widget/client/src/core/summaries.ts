/** The list of rooms: what each is now, and how much of it I have not read. Pure. */

import type { Id, Summary } from "./protocol.ts";
import { inRoom, withoutLeft } from "./rooms.ts";
import { MAX_UNREAD, type Room, type State } from "./state.ts";

/** The newest revision wins (`summary.rev`). A broadcast carries nothing of mine, so what I know of that goes on. */
export function summarise(state: State, summary: Summary): State {
  const told = inRoom(withoutLeft(state, summary.id), summary.id, (before) => {
    const known = before.summary;
    if (known && summary.rev < known.rev) return { ...before, unread: summary.unread ?? before.unread };
    const room = inEpoch(before, summary.epoch);
    return { ...room, summary: withMine(known, summary), unread: unreadOf(state, room, summary) };
  });
  return withNotes(told, summary);
}

/** In another history the numbers of the one that is known say nothing: marks, and what came early. */
const inEpoch = (room: Room, epoch: Id): Room =>
  (room.epoch ?? room.summary?.epoch ?? epoch) === epoch ? room : { ...room, marks: {}, early: [] };

/** What was made for me says how many of its notes I have not read; those of a joined room are counted themselves. */
function withNotes(state: State, { notes, unread, notes_unread = 0 }: Summary): State {
  if (notes === undefined || unread === undefined || (!notes_unread && !state.rooms[notes])) return state;
  return inRoom(state, notes, (room) => (room.joined ? room : { ...room, unread: notes_unread }));
}

const withMine = (known: Summary | undefined, summary: Summary): Summary => ({
  ...(summary.unread === undefined && known?.mine ? { mine: known.mine } : {}),
  ...(known?.notes ? { notes: known.notes } : {}),
  ...summary,
});

/** A count that was taken before my mark arrived says nothing any more. */
function unreadOf(state: State, room: Room, summary: Summary): number {
  const mark = room.marks[state.me?.id ?? ""] ?? 0;
  return mark >= summary.head ? 0 : (summary.unread ?? guessUnread(state, room, summary));
}

/** In a joined room the lines themselves are counted; in another one the distance of the heads must do. */
function guessUnread(state: State, room: Room, summary: Summary): number {
  const mine = summary.last?.by === state.me?.name;
  if (room.joined || mine) return room.unread;
  if (!room.summary) return 1; // heard of for the first time: at least the line that made it known
  return Math.min(MAX_UNREAD, room.unread + Math.max(0, summary.head - room.summary.head));
}
