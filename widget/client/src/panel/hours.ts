/** When a site is open, as the server foretells it: an open page follows by itself. */

import { useEffect, useState } from "preact/hooks";

export interface Hours {
  readonly open: boolean;
  /** Milliseconds since the epoch at which that changes, soonest first. */
  readonly changes: readonly number[];
}

export interface Standing {
  readonly open: boolean;
  /** When it changes next, if that is known. */
  readonly next?: number | undefined;
}

/** A timer may come a little early. */
const SLACK = 99;

/** How it stands at a moment. A site without hours is always open. */
export function standingAt(hours: Hours | undefined, now: number): Standing {
  const { open, changes } = hours ?? { open: true, changes: [] };
  const past = changes.filter((at) => at <= now).length;
  return { open: open !== past % 2 > 0, next: changes[past] };
}

/** The same for now, drawn anew when it changes. */
export function useStanding(hours: Hours | undefined): Standing {
  const [, draw] = useState(0);
  const standing = standingAt(hours, Date.now());
  const { next } = standing;
  useEffect(() => {
    const timer = next && setTimeout(draw, next - Date.now() + SLACK, next);
    return () => clearTimeout(timer);
  }, [next]);
  return standing;
}
