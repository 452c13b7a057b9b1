/** From messages to what is drawn: day separators, the divider above what is new, runs of one author, system lines. Pure. */

import type { Author, Id, Message, Person } from "../core/protocol.ts";
import type { Pending } from "../core/state.ts";
import type { Shown } from "../core/view.ts";

/** Lines further apart start a new run, so that each run can carry one time. Milliseconds. */
const RUN_GAP = 5 * 60_000;

/** A line of the log: a message, or one of mine on its way. */
export type Line = Shown & { readonly pending?: Pending };

/** Mine, an agent's who is not me, or a visitor's. */
export type Side = "mine" | "team" | "theirs";

export type Item =
  | { readonly kind: "day"; readonly key: string; readonly ts: string }
  | { readonly kind: "new"; readonly key: string }
  | { readonly kind: "system"; readonly key: string; readonly line: Line }
  | { readonly kind: "run"; readonly key: string; readonly side: Side; readonly lines: readonly Line[] };

export const sideOf = (by: Author, me: Id | undefined): Side =>
  me !== undefined && by.id === me ? "mine" : by.kind === "agent" ? "team" : "theirs";

/** The client's own id where there is one: a line keeps its place on the page when it gets its number. */
export const keyOf = (line: Pick<Message, "id" | "cid">): string => line.cid ?? line.id;

/** What I wrote and the room does not show yet, as a line below all others. */
export function pendingLine(pending: Pending, me: Pick<Person, "kind" | "id" | "name">): Line {
  const { cid, room, text, at, replyTo } = pending;
  const seq = pending.seq ?? Number.MAX_SAFE_INTEGER;
  const ts = new Date(at).toISOString();
  return {
    id: cid,
    cid,
    room,
    seq,
    changed: seq,
    by: me,
    kind: "text",
    text,
    ts,
    attachments: [],
    reactions: {},
    pending,
    ...(replyTo !== undefined && { reply_to: replyTo }),
  };
}

/** The local midnight before a time: equal for two times of one day. */
export const dayOf = (ts: string): number => new Date(ts).setHours(0, 0, 0, 0);

/**
 * The items of a log, oldest first. `newAfter` is the last number that had been read: the first line of somebody else
 * above it gets the divider. Null: no divider.
 */
export function itemsOf(lines: readonly Line[], me: Id | undefined, newAfter: number | null): readonly Item[] {
  const items: Item[] = [];
  let run: Line[] = [];
  let day = Number.NaN;
  let divided = newAfter === null;

  const endRun = () => {
    const first = run[0];
    if (first) items.push({ kind: "run", key: keyOf(first), side: sideOf(first.by, me), lines: run });
    run = [];
  };
  const put = (item: Item) => {
    endRun();
    items.push(item);
  };

  for (const line of lines) {
    if (dayOf(line.ts) !== day) {
      day = dayOf(line.ts);
      put({ kind: "day", key: `day ${day}`, ts: line.ts });
    }
    if (!divided && isNews(line, me, newAfter ?? 0)) {
      divided = true;
      put({ kind: "new", key: "new" });
    }
    if (line.kind === "system") {
      put({ kind: "system", key: keyOf(line), line });
      continue;
    }
    if (!continues(run.at(-1), line)) endRun();
    run.push(line);
  }
  endRun();
  return items;
}

const isNews = (line: Line, me: Id | undefined, after: number): boolean =>
  line.seq > after && line.by.id !== me && line.kind !== "system";

const continues = (previous: Line | undefined, next: Line): boolean =>
  previous !== undefined &&
  previous.by.id === next.by.id &&
  previous.room === next.room &&
  Date.parse(next.ts) - Date.parse(previous.ts) < RUN_GAP;
