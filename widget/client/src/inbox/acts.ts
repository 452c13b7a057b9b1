/** What an agent may do with the lines of the open room and of its notes. */

import { type Room, type State, silenceOf } from "../core/index.ts";
import type { Acts, Extra } from "../ui/acts.ts";
import type { Line } from "../ui/lines.ts";
import { showLine } from "../ui/said.tsx";
import type { Model } from "./model.ts";
import { en } from "./text.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;

export function actsOf(model: Model, chat: State, room: Room, canAnswer: boolean): Acts {
  const { client } = model;
  const open = silenceOf(chat, room, Date.now()) === undefined;
  return {
    me: chat.me?.id,
    canWrite: canAnswer && open,
    canModerate: canAnswer,
    react: (line, emoji, on) => void client.react(line.room, line.id, emoji, on),
    reply: (line) => model.begin({ what: "reply", line }),
    edit: (line) => model.begin({ what: "edit", line }),
    remove: (line) => void client.remove(line.room, line.id),
    again: (line) => line.failed && client.retry(line.failed.cid),
    giveUp: (line) => line.failed && void client.discard(line.failed.cid),
    show: showLine,
    extras: (line) => (canAnswer && room.summary?.kind === "community" ? extrasOf(model, line) : []),
  };
}

/** In a community room its visitors may be held back. */
function extrasOf({ api }: Model, line: Line): readonly Extra[] {
  const author = line.by.id;
  if (line.by.kind !== "visitor" || !author) return [];
  return [
    { words: en.acts.mute, done: en.acts.muted, act: () => api.restrain(line.room, author, { mute_for: HOUR }) },
    { words: en.acts.ban, done: en.acts.banned, act: () => api.restrain(line.room, author, { ban_for: DAY }) },
  ];
}
