/** Times in the visitor's own way of writing them. */

import { dayOf } from "../ui/lines.ts";
import type { Texts } from "./text.ts";

const DAY = 24 * 3_600_000;

export interface Times {
  clock(ts: string): string;
  /** "Today", "Yesterday", else the date. `now` in milliseconds. */
  day(ts: string, now: number): string;
}

/** `locale` is a BCP 47 tag; one that the browser does not know gives the browser's own. */
export function createTimes(locale: string, texts: Texts): Times {
  const tags = supported(locale);
  const clock = new Intl.DateTimeFormat(tags, { hour: "numeric", minute: "2-digit" });
  const date = new Intl.DateTimeFormat(tags, { weekday: "long", day: "numeric", month: "long" });
  return {
    clock: (ts) => clock.format(new Date(ts)),
    day(ts, now) {
      const days = Math.round((dayOf(new Date(now).toISOString()) - dayOf(ts)) / DAY);
      return days === 0 ? texts.today : days === 1 ? texts.yesterday : date.format(new Date(ts));
    },
  };
}

function supported(locale: string): string[] {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(locale);
  } catch {
    return [];
  }
}
