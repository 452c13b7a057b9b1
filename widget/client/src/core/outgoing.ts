/** What the client knows and did, as the frames that tell it. Pure. */

import type { ClientFrame, Page, Position } from "./protocol.ts";
import { type Change, isChange, NEW_ROOM, type Outgoing, type Pending, type State } from "./state.ts";
import { bounded } from "./text.ts";

/** Where the client stands in each room that it shows. */
export const positions = (state: State): Position[] =>
  Object.values(state.rooms).flatMap((room) =>
    room.joined && room.loaded && room.epoch ? [{ room: room.id, epoch: room.epoch, after: room.last }] : [],
  );

export const frameOf = (one: Outgoing): ClientFrame => (isChange(one) ? changeFrame(one) : messageFrame(one));

/** A message as it goes out: the first of a visitor makes the room. */
function messageFrame(one: Pending): ClientFrame {
  const { cid, room, text } = one;
  if (room === NEW_ROOM) return { t: "open", cid, kind: "support", text, ...optional({ form: one.form }) };
  return { t: "send", cid, room, text, ...optional({ reply_to: one.replyTo }) };
}

function changeFrame({ cid, room, message, wish }: Change): ClientFrame {
  const about = { cid, room, message };
  if (wish.what === "edit") return { t: "edit", ...about, text: wish.text };
  if (wish.what === "delete") return { t: "delete", ...about };
  return { t: "react", ...about, emoji: wish.emoji, on: wish.on };
}

/** What stands behind `#` stays here, like the code of an invitation, unless a page's own router reads it. */
const PRIVATE = /#(?![/!]).*|#porchlight=.*/s;

/** The server refuses longer ones; a page's address may hold anything. */
export const boundedPage = ({ url, title, referrer }: Page): Page => ({
  url: bounded(url.replace(PRIVATE, ""), 2000),
  title: bounded(title, 300),
  referrer: bounded(referrer, 2000),
});

/** Fields that may be undefined, for a frame: what has no value does not travel, since JSON knows no such value. */
export const optional = <T extends object>(fields: T) => fields as { [K in keyof T]?: Exclude<T[K], undefined> };
