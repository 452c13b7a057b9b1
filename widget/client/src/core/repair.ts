/** Asks for what is missing: a hole (rule 3), a room that is not loaded yet, a question that got no answer. */

import type { Clock } from "./clock.ts";
import type { Id } from "./protocol.ts";
import { hasHole, type Room, type State } from "./state.ts";

/** Two processes may publish out of order, so a hole gets this long to fill by itself. Milliseconds, as those below. */
const REPAIR_WAIT = 20;
const LOAD_WAIT = 1_000;
const ANSWER_LIMIT = 10_000;

export interface Repair {
  /** Looks at every room; asks once per room after its wait, if that is still needed then. */
  look(): void;
  lost(): void;
}

export function createRepair(clock: Clock, state: () => State, ask: (room: Room) => void): Repair {
  const waits = new Map<Id, () => void>();

  function repair(id: Id): void {
    waits.delete(id);
    const room = state().rooms[id];
    if (room && isNeeded(room)) ask(room);
  }

  const isNeeded = (room: Room): boolean => {
    if (room.catchUp) return clock.now() - room.catchUp.at > ANSWER_LIMIT;
    return hasHole(room) || (room.joined && !room.loaded);
  };

  return {
    look() {
      for (const room of Object.values(state().rooms)) {
        if (!isNeeded(room) || waits.has(room.id)) continue;
        const wait = room.loaded ? REPAIR_WAIT : LOAD_WAIT;
        waits.set(
          room.id,
          clock.after(wait, () => repair(room.id)),
        );
      }
    },
    lost() {
      for (const cancel of waits.values()) cancel();
      waits.clear();
    },
  };
}
