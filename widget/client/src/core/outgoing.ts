/** What the client knows, as the frames that tell it. Pure. */

import type { ClientFrame, Page, Position } from "./protocol.ts";
import { NEW_ROOM, type Pending, type State } from "./state.ts";
import { bounded } from "./text.ts";

/** Where the client stands in each room that it shows. */
export const positions = (state: State): Position[] =>
  Object.values(state.rooms).flatMap((room) =>
    room.joined && room.loaded && room.epoch ? [{ room: room.id, epoch: room.epoch, after: room.last }] : [],
  );

/** A message as it goes out: the first of a visitor makes the room. */
export function frameOf(one: Pending): ClientFrame {
  const { cid, room, text } = one;
  if (room === NEW_ROOM) return { t: "open", cid, kind: "support", text, ...optional({ form: one.form }) };
  return { t: "send", cid, room, text, ...optional({ reply_to: one.replyTo }) };
}

/** The server refuses longer ones; a page's address may hold anything. */
export const boundedPage = ({ url, title, referrer }: Page): Page => ({
  url: bounded(url, 2000),
  title: bounded(title, 300),
  referrer: bounded(referrer, 2000),
});

/** The fields that have a value: `undefined` is not a value on the wire. */
export function optional<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
