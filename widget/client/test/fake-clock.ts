import type { Clock } from "../src/core/clock.ts";

/** A clock that only moves when told, and chance that only depends on its seed. */
export interface FakeClock extends Clock {
  /** Runs everything due within `ms`, in order, with the promises in between. */
  pass(ms: number): Promise<void>;
}

/** Numbers in [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const promises = () => new Promise<void>((resolve) => setImmediate(resolve));

export function fakeClock(random: () => number = () => 0.5): FakeClock {
  let now = Date.UTC(2026, 0, 1);
  let made = 0;
  const timers = new Map<number, { readonly at: number; readonly fn: () => void }>();
  const next = (until: number) =>
    [...timers].filter(([, { at }]) => at <= until).sort(([a, one], [b, other]) => one.at - other.at || a - b)[0];
  return {
    now: () => now,
    random,
    after(ms, fn) {
      const id = ++made;
      timers.set(id, { at: now + ms, fn });
      return () => void timers.delete(id);
    },
    async pass(ms) {
      const until = now + ms;
      await promises();
      for (let due = next(until); due; due = next(until)) {
        const [id, { at, fn }] = due;
        timers.delete(id);
        now = at;
        fn();
        await promises();
      }
      now = until;
    },
  };
}
