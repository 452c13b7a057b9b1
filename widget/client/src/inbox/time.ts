/** Times in words. Every function takes `now` in milliseconds, so that a test can choose it. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The texts are English, so dates are too; which English the browser asks for decides the order of day and month. */
export function englishOf(languages: readonly string[]): string {
  return languages.find((language) => /^en\b/i.test(language)) ?? "en-GB";
}

const LOCALE = englishOf(globalThis.navigator?.languages ?? []);

/** British English says "mins"; the brand says "4 min". */
const units = {
  minute: new Intl.NumberFormat("en", { style: "unit", unit: "minute", unitDisplay: "short" }),
  hour: new Intl.NumberFormat("en", { style: "unit", unit: "hour", unitDisplay: "short" }),
  day: new Intl.NumberFormat("en", { style: "unit", unit: "day", unitDisplay: "long" }),
};
const formats = {
  clock: new Intl.DateTimeFormat(LOCALE, { hour: "numeric", minute: "2-digit" }),
  weekday: new Intl.DateTimeFormat(LOCALE, { weekday: "short" }),
  date: new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short" }),
  year: new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", year: "numeric" }),
  day: new Intl.DateTimeFormat(LOCALE, { weekday: "long", day: "numeric", month: "long" }),
  full: new Intl.DateTimeFormat(LOCALE, { dateStyle: "long", timeStyle: "short" }),
};
const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });

function midnight(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}

function daysBetween(earlier: number, later: number): number {
  return Math.round((midnight(later) - midnight(earlier)) / DAY);
}

/** How long since, for sentences: "4 min", "2 hr", "3 days"; under a minute "1 min". */
export function span(ts: string, now: number): string {
  const passed = Math.max(MINUTE, now - Date.parse(ts));
  if (passed < HOUR) return units.minute.format(Math.floor(passed / MINUTE));
  if (passed < DAY) return units.hour.format(Math.floor(passed / HOUR));
  return units.day.format(Math.floor(passed / DAY));
}

/** The short time of a row: "now", "4 min", "14:05" today, "Fri" this week, "12 Nov", "12 Nov 2024". */
export function ago(ts: string, now: number): string {
  const time = Date.parse(ts);
  const passed = now - time;
  if (passed < MINUTE) return relative.format(0, "second");
  if (passed < HOUR) return units.minute.format(Math.floor(passed / MINUTE));
  const days = daysBetween(time, now);
  if (days === 0) return formats.clock.format(time);
  if (days < 7) return formats.weekday.format(time);
  const sameYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return (sameYear ? formats.date : formats.year).format(time);
}

export function clock(ts: string): string {
  return formats.clock.format(Date.parse(ts));
}

/** Whole and unambiguous, for tooltips. */
export function full(ts: string): string {
  return formats.full.format(Date.parse(ts));
}

/** "Today", "Yesterday", "Friday 20 November", and the year when it is another one. */
export function dayName(ts: string, now: number): string {
  const time = Date.parse(ts);
  const days = daysBetween(time, now);
  if (days === 0 || days === 1) return capital(relative.format(-days, "day"));
  const sameYear = new Date(time).getFullYear() === new Date(now).getFullYear();
  return sameYear ? formats.day.format(time) : formats.year.format(time);
}

function capital(word: string): string {
  return word.slice(0, 1).toLocaleUpperCase(LOCALE) + word.slice(1);
}

const languages = new Intl.DisplayNames(LOCALE, { type: "language" });

/** "Polish" for `pl`, "British English" for `en-GB`; what is no language tag is given back. */
export function languageName(tag: string): string {
  try {
    return languages.of(tag) ?? tag;
  } catch {
    return tag;
  }
}
