/** What I did and the server has not settled: acknowledged, refused, sent again, shown. Pure. */

import type { ErrorCode, Id, ServerFrames } from "./protocol.ts";
import { withMe } from "./reactions.ts";
import { inKnown, inRoom } from "./rooms.ts";
import { type Change, isAbove, isChange, NEW_ROOM, type Outgoing, type Room, type State } from "./state.ts";

/** A new change of the same kind takes the place of one that was refused. */
export function wrote(state: State, next: Outgoing): State {
  const others = state.pending.filter((one) => one.state !== "refused" || !isSameChange(one, next));
  return { ...state, pending: [...others, next] };
}

const isSameChange = (one: Outgoing, other: Outgoing): boolean =>
  isChange(one) && isChange(other) && one.message === other.message && one.wish.what === other.wish.what;

export function acknowledge(state: State, frame: ServerFrames["ack"], now: number): State {
  const acked = state.pending.find((one) => one.cid === frame.cid);
  if (!acked) return state;
  const base = acked.room === NEW_ROOM ? adopt(state, frame.room) : state;
  const pending = base.pending.map((one) => (one.cid === frame.cid ? sent(one, frame.seq) : one));
  return slowed({ ...base, pending }, { ...acked, room: frame.room }, now);
}

const sent = (one: Outgoing, seq: number): Outgoing => ({ ...unrefused(one), state: "sent", seq });

/** In slow mode my message begins a silence. */
function slowed(state: State, one: Outgoing, now: number): State {
  const room = state.rooms[one.room];
  const seconds = room?.summary?.slow;
  if (isChange(one) || !seconds || isAbove(state, room)) return state;
  return silenced(state, room.id, "slow_mode", now + seconds * 1000);
}

/** The first message made its room: what was written meanwhile belongs there too. */
export function adopt(state: State, id: Id): State {
  const pending = state.pending.map((one) => (one.room === NEW_ROOM ? { ...one, room: id } : one));
  return inRoom({ ...state, pending }, id, (room) => ({ ...room, joined: true }));
}

/** Refusals that pass by themselves leave it waiting until then; the others are for its author to decide. */
export function refuse(state: State, frame: ServerFrames["err"], now: number): State {
  const refused = state.pending.find((one) => one.cid === frame.cid);
  if (!refused) return state;
  const { code, retry_after } = frame;
  const isPassing = passes(code, retry_after);
  const wait = isPassing ? Math.max(retry_after ?? 1, 0.1) : retry_after;
  const until = wait === undefined ? {} : { until: now + wait * 1000 };
  const why = code === "plan_limit" ? { why: frame.message } : {};
  const next = { code, ...why, ...until, state: isPassing ? "waiting" : "refused" } as const;
  const pending = state.pending.map((one) => (one === refused ? { ...unrefused(one), ...next } : one));
  return silenced({ ...state, pending }, refused.room, code, until.until);
}

const silenced = (state: State, id: Id, by: ErrorCode, until: number | undefined): State =>
  until !== undefined && (by === "muted" || by === "slow_mode")
    ? inKnown(state, id, (room) => ({ ...room, silentUntil: until, silentBy: by }))
    : state;

/** Whether the same frame may succeed soon. A newer server's code tells it by its time; two of ours end too late for that. */
const passes = (code: ErrorCode, wait: number | undefined): boolean =>
  ["busy", "internal", "rate_limited", "slow_mode"].includes(code) ||
  (wait !== undefined && code !== "muted" && code !== "plan_limit");

export const again = (state: State, cid: Id, now: number): State => ({
  ...state,
  pending: state.pending.map((one) => (one.cid === cid ? { ...unrefused(one), state: "waiting", at: now } : one)),
});

function unrefused(one: Outgoing): Outgoing {
  const { code: _code, why: _why, until: _until, ...rest } = one;
  return rest;
}

/** What the room shows by now is no longer pending, whether its acknowledgement came before or not. */
export function settle(state: State, now: number): State {
  if (state.pending.length === 0) return state;
  const settled = state.pending.filter((one) => isShown(state.rooms[one.room], one));
  if (settled.length === 0) return state;
  const pending = state.pending.filter((one) => !settled.includes(one));
  return settled.reduce<State>((next, one) => settleOne(next, one, now), { ...state, pending });
}

function settleOne(state: State, one: Outgoing, now: number): State {
  if (isChange(one)) return withMyReaction(state, one);
  return one.state === "sent" ? state : slowed(state, one, now);
}

function isShown(room: Room | undefined, one: Outgoing): boolean {
  if (one.state === "sent" && (!room?.joined || (one.seq ?? 0) <= room.last)) return true;
  return !isChange(one) && (room?.messages.some((message) => message.cid === one.cid) ?? false);
}

/** The room's frame may leave me out of a crowd; the acknowledgement did not, and speaks of the message as it was then. */
function withMyReaction(state: State, { room: id, message: changed, wish, seq }: Change): State {
  const me = state.me?.id;
  if (wish.what !== "react" || me === undefined) return state;
  return inKnown(state, id, (room) => {
    const at = room.messages.findIndex((one) => one.id === changed && one.changed === seq);
    const message = room.messages[at];
    const next = message && withMe(message, wish.emoji, wish.on, me);
    return !next || next === message ? room : { ...room, messages: room.messages.with(at, next) };
  });
}
