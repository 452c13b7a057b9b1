/** What frames do to one room: sequence, holes, catch-up, pages, marks. Pure. */

import type { Id, Message, ServerFrames } from "./protocol.ts";
import { keepMe } from "./reactions.ts";
import { type Early, MAX_UNREAD, type Room } from "./state.ts";

/** Beyond this a catch-up is cheaper than a memory of what came early. */
const MAX_EARLY = 200;

/** Rule 3: the next number is applied, an old one dropped, one ahead of a hole kept until the hole is filled. */
export function addLine(room: Room, line: Early, me: Id | undefined): Room {
  const early = [...room.early, line].slice(-MAX_EARLY);
  return drain({ ...room, early, head: Math.max(room.head, line.seq) }, me);
}

/**
 * Rules 4 and 6: the snapshot of a join either continues the view or replaces it. By HTTP one may be overtaken by later news: the
 * view goes back for none, since what is under way already continues it from where it was.
 */
export function join(room: Room, frame: ServerFrames["joined"], me: Id | undefined, now: number): Room {
  const marks: Record<Id, number> = { ...room.marks };
  for (const { who, seq } of frame.marks) marks[who] = Math.max(seq, marks[who] ?? 0);
  const base = { ...room, joined: true, people: frame.people, count: frame.people.length, marks };
  const isSame = room.loaded && room.epoch === frame.epoch;
  if (isSame && frame.head < room.last) return caughtUp(base, 0, me);
  return isSame && frame.resumed ? resume(base, frame, me, now) : replace(base, frame, me);
}

/** Pages upwards answer our question; any other page is the rest of a catch-up. */
export function addPage(room: Room, frame: ServerFrames["page"], me: Id | undefined, now: number): Room {
  if (room.older?.ref === frame.ref) {
    const { older: _answered, ...rest } = room;
    return { ...rest, messages: merge(room.messages, frame.messages), more: frame.more };
  }
  if (room.catchUpTo === undefined) return room;
  const known = { ...room, messages: mergeKnown(room, frame.messages) };
  return frame.more ? { ...known, catchUp: { ref: frame.ref, at: now } } : caughtUp(known, room.catchUpTo, me);
}

/** Read marks only go forward. My own one decides what is unread. */
export function withMark(room: Room, who: Id, seq: number, mine: boolean): Room {
  if (seq <= (room.marks[who] ?? 0)) return room;
  const marks = { ...room.marks, [who]: seq };
  return { ...room, marks, unread: mine ? unreadAfter(room, seq, who) : room.unread };
}

function replace(room: Room, frame: ServerFrames["joined"], me: Id | undefined): Room {
  const { older: _older, ...rest } = room;
  const fresh = { ...rest, loaded: true, epoch: frame.epoch, messages: merge([], frame.messages), more: frame.more };
  return caughtUp({ ...fresh, last: 0, head: frame.head }, frame.head, me);
}

/** More pages follow by themselves; the question stays open until the last of them, so that nobody asks again meanwhile. */
function resume(room: Room, frame: ServerFrames["joined"], me: Id | undefined, now: number): Room {
  const known = { ...room, messages: mergeKnown(room, frame.messages), head: Math.max(room.head, frame.head) };
  if (!frame.more) return caughtUp(known, frame.head, me);
  return { ...known, catchUp: { ref: frame.ref ?? room.id, at: now }, catchUpTo: frame.head };
}

function caughtUp(room: Room, head: number, me: Id | undefined): Room {
  const { catchUp: _asked, catchUpTo: _to, ...rest } = room;
  return drain({ ...rest, last: Math.max(room.last, head) }, me);
}

/** Applies what came early and is next by now. */
function drain(room: Room, me: Id | undefined): Room {
  if (!room.loaded || room.early.length === 0) return room;
  let next = room;
  const rest: Early[] = [];
  for (const line of [...room.early].sort((a, b) => a.seq - b.seq)) {
    if (line.seq === next.last + 1) next = apply(next, line, me);
    else if (line.seq > next.last) rest.push(line);
  }
  return { ...next, early: rest, head: Math.max(next.head, next.last) };
}

function apply(room: Room, { seq, message }: Early, me: Id | undefined): Room {
  const typing = room.typing.filter((one) => one.who.id !== message.by.id);
  const known = message.seq < seq ? room.messages.find((one) => one.id === message.id) : undefined;
  const unread = unreadWith(room, seq, message, me);
  return { ...room, messages: mergeKnown(room, [keepMe(known, message, me)]), last: seq, typing, unread };
}

/** A new line counts, and no longer once it is deleted, which happens to a line once. */
function unreadWith(room: Room, seq: number, message: Message, me: Id | undefined): number {
  if (message.seq <= (room.marks[me ?? ""] ?? 0) || !isOthers(message, me)) return room.unread;
  if (message.seq === seq && !message.deleted) return Math.min(MAX_UNREAD, room.unread + 1);
  return message.deleted && message.seq < seq ? Math.max(0, room.unread - 1) : room.unread;
}

const isOthers = (message: Message, me: Id | undefined): boolean => message.kind !== "system" && message.by.id !== me;

const countsAsUnread = (message: Message, me: Id | undefined): boolean => isOthers(message, me) && !message.deleted;

/** Rule 10, as far as the loaded lines reach. */
function unreadAfter(room: Room, mark: number, me: Id): number {
  if (mark >= room.head) return 0;
  const oldest = room.messages[0]?.seq ?? Number.POSITIVE_INFINITY;
  if (room.more && oldest > mark + 1) return Math.min(room.unread, room.head - mark);
  const count = room.messages.filter((one) => one.seq > mark && countsAsUnread(one, me)).length;
  return Math.min(MAX_UNREAD, count);
}

/** Changes of lines above the loaded window are left out: inserting them would leave a hole between. */
function mergeKnown(room: Room, found: readonly Message[]): readonly Message[] {
  const oldest = room.more ? (room.messages[0]?.seq ?? 0) : 0;
  return merge(
    room.messages,
    found.filter((message) => message.seq >= oldest),
  );
}

/** Both lists by birth, the newer change of each message winning. */
function merge(known: readonly Message[], found: readonly Message[]): readonly Message[] {
  const only = found.length === 1 ? found[0] : undefined;
  if (only && only.seq > (known.at(-1)?.seq ?? 0)) return [...known, only];
  const bySeq = new Map(known.map((message) => [message.seq, message]));
  for (const message of found) {
    if (message.changed >= (bySeq.get(message.seq)?.changed ?? 0)) bySeq.set(message.seq, message);
  }
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}
