/** Changing one room of the state, or every one. Pure. */

import type { ErrorCode, Id } from "./protocol.ts";
import { emptyRoom, type Room, type State } from "./state.ts";

export const inRoom = (state: State, id: Id, change: (room: Room) => Room): State => ({
  ...state,
  rooms: { ...state.rooms, [id]: change(state.rooms[id] ?? emptyRoom(id)) },
});

/** For frames about rooms that this client may have left meanwhile. */
export const inKnown = (state: State, id: Id, change: (room: Room) => Room): State =>
  state.rooms[id] ? inRoom(state, id, change) : state;

export function everyRoom(state: State, change: (room: Room) => Room): State {
  let changed = false;
  const rooms: Record<Id, Room> = {};
  for (const [id, room] of Object.entries(state.rooms)) {
    rooms[id] = change(room);
    changed ||= rooms[id] !== room;
  }
  return changed ? { ...state, rooms } : state;
}

/** Access ended: the room is gone with its lines, and what I had not sent says why it never will be. */
export function without(state: State, id: Id, code: ErrorCode): State {
  const { [id]: _gone, ...rooms } = state.rooms;
  const pending = state.pending.map((one) =>
    one.room === id && one.state === "waiting" ? ({ ...one, state: "refused", code } as const) : one,
  );
  return { ...state, rooms, pending, left: { ...state.left, [id]: code } };
}

/** I am in again. */
export function withoutLeft(state: State, id: Id): State {
  if (!(id in state.left)) return state;
  const { [id]: _back, ...left } = state.left;
  return { ...state, left };
}

/** The same room without the questions that will get no answer. */
export function withoutQuestions(room: Room): Room {
  const { catchUp: _one, catchUpTo: _two, older: _three, ...rest } = room;
  return rest;
}
