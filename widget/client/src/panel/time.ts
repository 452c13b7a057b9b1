/** Times in the visitor's own way of writing them. */

import { dayOf } from "../ui/lines.ts";

const DAY = 24 * 3_600_000;

export interface Times {
  clock(ts: string): string;
  /** The clock, with the day unless it is today. */
  moment(ts: string, now: number): string;
  /** "Today", "Yesterday", else the date. `now` in milliseconds. */
  day(ts: string, now: number): string;
}

/** `locale` is a BCP 47 tag; one that the browser does not know gives the browser's own. */
export function createTimes(locale: string, texts: { readonly today: string; readonly yesterday: string }): Times {
  const tags = supported(locale);
  const clock = new Intl.DateTimeFormat(tags, { hour: "numeric", minute: "2-digit" });
  const date = new Intl.DateTimeFormat(tags, { weekday: "long", day: "numeric", month: "long" });
  const ago = (ts: string, now: number) => Math.round((dayOf(new Date(now).toISOString()) - dayOf(ts)) / DAY);
  const time = (ts: string) => clock.format(new Date(ts));
  const dayOnly = (ts: string) => date.format(new Date(ts));
  return {
    clock: time,
    moment: (ts, now) => (ago(ts, now) === 0 ? time(ts) : `${dayOnly(ts)}, ${time(ts)}`),
    day(ts, now) {
      const days = ago(ts, now);
      return days === 0 ? texts.today : days === 1 ? texts.yesterday : dayOnly(ts);
    },
  };
}

/** The tag, if it is one that the browser knows. */
export function supported(locale: string): string[] {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(locale);
  } catch {
    return [];
  }
}
