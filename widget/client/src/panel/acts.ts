/** What the visitor may do with the lines of the room that is shown. */

import type { Id } from "../core/protocol.ts";
import { isAbove } from "../core/state.ts";
import { silenceOf } from "../core/view.ts";
import type { Acts, Extra } from "../ui/acts.ts";
import type { Line } from "../ui/lines.ts";
import { showLine } from "../ui/said.tsx";
import { en } from "./extras-text.ts";
import type { Model } from "./model.ts";
import { report, restrain } from "./rooms-acts.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;

export function actsOf(model: Model): Acts {
  const { client } = model;
  const state = client.state();
  const room = model.room();
  const id = room?.id ?? "";
  const isCommunity = room?.summary?.kind === "community";
  return {
    me: state.me?.id,
    canWrite: room !== undefined && silenceOf(state, room, Date.now())?.code === undefined,
    canModerate: room !== undefined && isCommunity && isAbove(state, room),
    react: (line, emoji, on) => void client.react(id, line.id, emoji, on),
    reply: (line) => model.begin({ what: "reply", line }),
    edit: (line) => model.begin({ what: "edit", line }),
    remove: (line) => void client.remove(id, line.id),
    again: (line) => line.failed && client.retry(line.failed.cid),
    giveUp: (line) => line.failed && void client.discard(line.failed.cid),
    show: showLine,
    extras: (line) => (isCommunity && line.by.id !== state.me?.id && line.by.id ? extrasOf(model, id, line) : []),
  };
}

/** In a community room: anybody reports, a moderator holds other visitors back. */
function extrasOf({ api, client, room }: Model, id: Id, line: Line): readonly Extra[] {
  const current = room();
  const author = line.by.id ?? "";
  const complain = { words: en.report, done: en.reported, act: () => report(api.ask, id, line.id) };
  if (!current || !isAbove(client.state(), current) || line.by.kind !== "visitor") return [complain];
  return [
    complain,
    { words: en.mute, done: en.muted, act: () => restrain(api.ask, id, author, { mute_for: HOUR }) },
    { words: en.ban, done: en.banned, act: () => restrain(api.ask, id, author, { ban_for: DAY }) },
  ];
}
