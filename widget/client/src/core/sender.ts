/**
 * Hands what I did to the connection: each once per connection, in the order in which it was done, again after the next
 * welcome. What the server will not take yet waits, and holds what stands behind it: messages of its room, or changes of its message.
 */

import type { Clock } from "./clock.ts";
import { frameOf } from "./outgoing.ts";
import type { ClientFrame, Id } from "./protocol.ts";
import { isAbove, isChange, NEW_ROOM, type Outgoing, type State } from "./state.ts";

/** Browsers' timers run over after some weeks. Milliseconds. */
const LONGEST = 3_600_000;

export interface Sender {
  /** Hands over all that may go, at the end of this turn: a line may give back several one by one, and none may go between. */
  flush(): void;
  /** Lets it go again on this connection. */
  forget(cid: Id): void;
  /** The connection ended, and with it all that was handed to it. */
  lost(): void;
}

export function createSender(
  clock: Clock,
  state: () => State,
  /** False while there is no connection. */
  say: (frame: ClientFrame) => boolean,
): Sender {
  const handed = new Set<Id>();
  let cancel = () => {};
  let isDue = false;

  function flush(): void {
    if (!isDue) queueMicrotask(handOver);
    isDue = true;
  }

  function handOver(): void {
    isDue = false;
    const held = new Set<Id>();
    let next = Number.POSITIVE_INFINITY;
    for (const one of state().pending) {
      const ready = readyAt(state(), one);
      const waits = one.state === "waiting" && ready > clock.now();
      const goes = one.state === "waiting" && !waits && !held.has(laneOf(one)) && !handed.has(one.cid);
      if (goes && say(frameOf(one))) handed.add(one.cid);
      if (waits) next = Math.min(next, ready);
      if (waits || isAlone(state(), one)) held.add(laneOf(one));
    }
    cancel();
    if (next < Number.POSITIVE_INFINITY) cancel = clock.after(Math.min(next - clock.now(), LONGEST), flush);
  }

  return {
    flush,
    forget: (cid) => void handed.delete(cid),
    lost() {
      handed.clear();
      cancel();
    },
  };
}

/** Nothing in one lane overtakes what is before it. */
const laneOf = (one: Outgoing): Id => (isChange(one) ? one.message : one.room);

function readyAt({ rooms }: State, one: Outgoing): number {
  const room = rooms[one.room];
  const slow = !isChange(one) && room?.silentBy === "slow_mode" ? room.silentUntil : 0;
  return Math.max(one.until ?? 0, slow);
}

/** What must be settled before the next may follow: the message that makes the room, and each one in slow mode. */
function isAlone(state: State, one: Outgoing): boolean {
  if (one.room === NEW_ROOM) return true;
  const room = state.rooms[one.room];
  return !isChange(one) && one.state === "waiting" && !!room?.summary?.slow && !isAbove(state, room);
}
