/** The list of rooms: what each filter shows, in which order, and how far it was paged. Pure, over the rooms the client knows. */

import type { Id, Summary } from "../core/protocol.ts";
import type { Room, State } from "../core/state.ts";

/** Rooms with a visitor by their status, and those of the team and of communities. */
export type Filter = "open" | "resolved" | "rooms";

/** A room as a row of the list: one with a summary. */
export type Row = Room & { readonly summary: Summary };

/** How far one filter was read. */
export interface Paging {
  readonly state: "idle" | "loading" | "failed" | "ready";
  /** Where HTTP goes on; null at the end. */
  readonly cursor: string | null;
  /** The sort key of the oldest row read, while there are more below it. */
  readonly floor: string | null;
}

export type Pages = Readonly<Record<Filter, Paging>>;

const UNTOUCHED: Paging = { state: "idle", cursor: null, floor: null };

export const noPages: Pages = { open: UNTOUCHED, resolved: UNTOUCHED, rooms: UNTOUCHED };

/** Which filter a room belongs under; every status but resolved still wants an answer. */
export const filterOf = (summary: Pick<Summary, "kind" | "status">): Filter =>
  summary.kind !== "support" ? "rooms" : summary.status === "resolved" ? "resolved" : "open";

/** Newest last line first; the id decides between equals, so that the order never flickers. */
const sortKey = (summary: Summary): string => `${summary.last?.ts ?? ""} ${summary.id}`;

/** The paging of a filter after a page that ended with the last of `summaries`. */
export function pageRead(summaries: readonly Summary[], cursor: string | null | undefined): Paging {
  const oldest = summaries.at(-1);
  return { state: "ready", cursor: cursor ?? null, floor: cursor && oldest ? sortKey(oldest) : null };
}

/**
 * The rows of a filter, newest first. A row below what was paged stays hidden, or the list would have holes that fill
 * while one reads.
 */
export function listed(rooms: State["rooms"], filter: Filter, { floor }: Paging): readonly Row[] {
  const found: { key: string; row: Row }[] = [];
  for (const room of Object.values(rooms)) {
    if (!isRow(room) || filterOf(room.summary) !== filter) continue;
    const key = sortKey(room.summary);
    if (floor === null || key >= floor) found.push({ key, row: room });
  }
  return found.sort((a, b) => (a.key < b.key ? 1 : -1)).map(({ row }) => row);
}

/** The companion room of notes is no row of its own. */
const isRow = (room: Room): room is Row => room.summary !== undefined && room.summary.notes_of === undefined;

/** Rooms about which somebody noted what I have not read. */
export const freshNotes = (rooms: State["rooms"]): ReadonlySet<Id> =>
  new Set(
    Object.values(rooms).flatMap(({ id, summary, unread }) => [
      ...(unread > 0 && summary?.notes_of ? [summary.notes_of] : []),
      ...((rooms[summary?.notes ?? ""]?.unread ?? 0) > 0 ? [id] : []),
    ]),
  );

/** Open rooms with lines I have not read, for the title of the page. */
export function unreadRooms(rooms: State["rooms"]): number {
  const isUnread = (room: Room) => isRow(room) && room.unread > 0 && filterOf(room.summary) === "open";
  return Object.values(rooms).filter(isUnread).length;
}

/** Whether the visitor spoke last. The summary names the author only, and a support room bears its visitor's name. */
export const isWaiting = ({ summary }: Row): boolean => summary.last !== undefined && summary.last.by === summary.title;

/** Whether the rows come from more than one site: only then does the site's name tell them apart. */
export const hasManySites = (rows: readonly Row[]): boolean =>
  new Set(rows.map(({ summary }) => summary.site?.id)).size > 1;

/** How many visitors spoke last, and since when the longest of them waits. */
export function waiting(rows: readonly Row[]): { readonly count: number; readonly oldest: string | null } {
  const since = rows.filter(isWaiting).map(({ summary }) => summary.last?.ts ?? "");
  return { count: since.length, oldest: since.reduce<string | null>((a, b) => (a === null || b < a ? b : a), null) };
}

/** The row `step` rows below `from`, kept inside the list; the first one when `from` is not in it. */
export function neighbour(rows: readonly Row[], from: Id | null, step: 1 | -1): Id | null {
  const at = rows.findIndex((row) => row.id === from);
  const next = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step));
  return rows[next]?.id ?? null;
}
