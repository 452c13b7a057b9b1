/** Small signals that may be lost: typing and read marks, at a pace that costs the others little. */

import type { Client } from "./client-api.ts";
import type { Clock } from "./clock.ts";
import { optional } from "./outgoing.ts";
import type { ClientFrame, Id } from "./protocol.ts";

const TYPING_PAUSE = 3_000;
const READ_PAUSE = 300;

export interface Signals extends Pick<Client, "typing"> {
  /** A message says that its typing ended. */
  wrote(room: Id): void;
  /** Tells the mark that holds a moment later, so that a run of them costs one frame. */
  read(room: Id, mark: () => number): void;
  lost(): void;
}

export function createSignals(clock: Clock, say: (frame: ClientFrame) => boolean): Signals {
  const typed = new Map<Id, number>();
  const reads = new Set<Id>();
  return {
    typing(room, on, draft) {
      const soon = clock.now() - (typed.get(room) ?? Number.NEGATIVE_INFINITY) < TYPING_PAUSE;
      if (on ? soon : !typed.has(room)) return;
      if (on) typed.set(room, clock.now());
      else typed.delete(room);
      say({ t: "typing", room, on, ...optional({ draft }) });
    },
    wrote: (room) => void typed.delete(room),
    read(room, mark) {
      if (reads.has(room)) return;
      reads.add(room);
      clock.after(READ_PAUSE, () => {
        reads.delete(room);
        const seq = mark();
        if (seq > 0) say({ t: "read", room, seq });
      });
    },
    lost: () => typed.clear(),
  };
}
