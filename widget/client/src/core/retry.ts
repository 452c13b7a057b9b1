/** When to try again. Pure. */

const FIRST = 300;
const LONGEST = 20_000;

/**
 * Milliseconds before try number `attempt` (from 0): full jitter, `random() * min(20 s, 300 ms * 2^n)`, so that a
 * million clients of a restarted server come back spread out instead of in waves. `random` gives [0, 1).
 */
export const backoff = (attempt: number, random: () => number): number =>
  random() * Math.min(LONGEST, FIRST * 2 ** Math.min(attempt, 16));
