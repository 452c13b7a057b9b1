/** The lines of a room with the team's notes between them, in the order in which they were said. Pure. */

import { linesOf, type Person, pendingOf, type Room, type State } from "../core/index.ts";
import { type Line, pendingLine } from "../ui/lines.ts";

/** The room of notes about this room, once it is known. */
export const notesOf = (chat: State, room: Room): Room | undefined =>
  room.summary?.notes === undefined ? undefined : chat.rooms[room.summary.notes];

/** Stored lines by their time, then mine on their way. What was noted before the oldest loaded line waits for that line. */
export function conversation(chat: State, room: Room, notes: Room | undefined): readonly Line[] {
  const said: readonly Line[] = linesOf(chat, room);
  const noted: readonly Line[] = notes ? linesOf(chat, notes) : [];
  const from = room.more ? (said[0]?.ts ?? "") : "";
  const stored = merged(said, from ? noted.filter(({ ts }) => ts >= from) : noted);
  return chat.me ? [...stored, ...mine(chat, room, notes, chat.me)] : stored;
}

function merged(said: readonly Line[], noted: readonly Line[]): readonly Line[] {
  if (noted.length === 0) return said;
  return [...said, ...noted].sort((a, b) =>
    a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : a.room === b.room ? a.seq - b.seq : 0,
  );
}

function mine(chat: State, room: Room, notes: Room | undefined, me: Person): Line[] {
  const pending = [...pendingOf(chat, room.id), ...(notes ? pendingOf(chat, notes.id) : [])];
  return pending.map((one) => pendingLine(one, me));
}
