/** Who is here, who types, who is on the site: told while it lasts, never stored. Pure. */

import type { ServerFrames } from "./protocol.ts";
import { inKnown } from "./rooms.ts";
import type { Mood, Room, State } from "./state.ts";

const TYPING_LIFE = 6_000;

export function type(state: State, frame: ServerFrames["typing"], now: number): State {
  if (frame.who.id === state.me?.id) return state;
  return inKnown(state, frame.room, (room) => {
    const others = room.typing.filter((one) => one.who.id !== frame.who.id);
    const draft = frame.draft === undefined ? {} : { draft: frame.draft };
    const typing = frame.on ? [...others, { who: frame.who, ...draft, until: now + TYPING_LIFE }] : others;
    return { ...room, typing };
  });
}

/** Typing that is over by now. */
export function expire(room: Room, now: number): Room {
  const typing = room.typing.filter((one) => one.until > now);
  return typing.length === room.typing.length ? room : { ...room, typing };
}

/** A list is a sample of a large room and comes with the count; one person is a change. */
export function populate(room: Room, frame: ServerFrames["people"]): Room {
  if (!("id" in frame.who)) return { ...room, people: frame.who, count: frame.count ?? frame.who.length };
  const { who } = frame;
  const others = room.people.filter((one) => one.id !== who.id);
  const people = frame.on === false ? others : [...others, who];
  return { ...room, people, count: frame.count ?? people.length };
}

export function presence(state: State, frame: ServerFrames["presence"]): State {
  const agents = frame.agents === undefined ? {} : { agents: frame.agents };
  // On another tab of mine, or before this one was opened: what I say of myself outlives my tabs.
  const { who, state: said } = frame;
  const mine = who && who.id === state.me?.id && said && said !== "offline" ? { mood: said, isUnsaid: false } : {};
  const states = who && said ? { [who.id]: said } : {};
  const visitors = { ...state.visitors };
  for (const one of frame.visitors ?? []) {
    if (one.on) visitors[one.id] = one;
    else delete visitors[one.id];
  }
  return { ...state, ...agents, ...mine, presence: { ...state.presence, ...states }, visitors };
}

/** What I say of myself; shown at once. */
export function feel(state: State, mood: Mood): State {
  const mine = state.me ? { [state.me.id]: mood } : {};
  return { ...state, mood, isUnsaid: true, presence: { ...state.presence, ...mine } };
}
