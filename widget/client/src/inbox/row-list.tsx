/** The rows themselves: only those near the eye are drawn, and a row draws again only when its room changed. */

import { StickyNote } from "lucide";
import { Component, type RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { Id } from "../core/index.ts";
import { Icon } from "../ui/icon.tsx";
import { Ghosts, ListFailed } from "./list-notes.tsx";
import { Ago, Face } from "./parts.tsx";
import { hasManySites, type Row } from "./rooms.ts";
import type { RoomsPaneProps } from "./rooms-pane.tsx";
import { pathOf } from "./route.ts";
import { en } from "./text.ts";
import { reveal, useWindow } from "./use-window.ts";

/** How far above the end of the list the next page is asked for. */
const AHEAD = "600px";
/** Height of a row with its gap, with and without the site's name. Pixels. */
const PITCH = { twoLines: 64, threeLines: 82 };
/** Rows that move are watched moving; the ones far below are not looked at. */
const WATCHED = 20;

export function RowList(props: RoomsPaneProps) {
  const { rows, paging, opened, cursor, here, noted, me, now } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const namesSite = useMemo(() => hasManySites(rows), [rows]);
  const ids = useMemo(() => rows.map((row) => row.id), [rows]);
  const pitch = namesSite ? PITCH.threeLines : PITCH.twoLines;
  const { from, to } = useWindow(scroller, ids, pitch);
  useGlide(scroller, list, rows);
  useLayoutEffect(() => {
    if (cursor && scroller.current) reveal(scroller.current, ids.indexOf(cursor), pitch);
  }, [cursor]);
  const reached = cursor ?? rows[0]?.id ?? null;
  return (
    <div class="list" ref={scroller}>
      <ul
        class="list-rows"
        ref={list}
        style={{ "--pitch": `${pitch}px`, "--above": `${from * pitch}px`, "--whole": `${rows.length * pitch}px` }}
      >
        {rows.slice(from, to).map((row, index) => (
          <RoomRow
            key={row.id}
            row={row}
            place={from + index + 1}
            count={paging.cursor === null ? rows.length : -1}
            isOpen={row.id === opened}
            isReached={row.id === reached}
            isHere={here.has(row.summary.visitor ?? "")}
            isNoted={noted.has(row.id)}
            namesSite={namesSite}
            me={me}
            now={now}
            onOpen={props.onOpen}
            onCursor={props.onCursor}
          />
        ))}
      </ul>
      {paging.state === "failed" && <ListFailed onRetry={props.onMore} />}
      {paging.state === "loading" && <Ghosts count={2} />}
      {paging.state === "ready" && paging.cursor !== null && (
        <More key={paging.cursor} root={scroller} onMore={props.onMore} />
      )}
    </div>
  );
}

interface RoomRowProps {
  readonly row: Row;
  readonly place: number;
  /** -1 while nobody knows how many there are. */
  readonly count: number;
  readonly isOpen: boolean;
  readonly isReached: boolean;
  readonly isHere: boolean;
  /** Whether there are notes that I have not read. */
  readonly isNoted: boolean;
  readonly namesSite: boolean;
  readonly me: string;
  readonly now: number;
  readonly onOpen: (room: Id) => void;
  readonly onCursor: (room: Id) => void;
}

/** Beside the room itself, what a row looks like depends on these. */
const FLAGS = ["place", "count", "isOpen", "isReached", "isHere", "isNoted", "namesSite", "now"] as const;

class RoomRow extends Component<RoomRowProps> {
  override shouldComponentUpdate(next: RoomRowProps): boolean {
    const { row, ...flags } = this.props;
    const isSame = row.summary === next.row.summary && row.unread === next.row.unread;
    return !(isSame && FLAGS.every((name) => flags[name] === next[name]));
  }

  render({
    row,
    place,
    count,
    isOpen,
    isReached,
    isHere,
    isNoted,
    namesSite,
    me,
    now,
    onOpen,
    onCursor,
  }: RoomRowProps) {
    const { summary, unread } = row;
    const open = (event: MouseEvent) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      onOpen(row.id);
    };
    return (
      <li data-room={row.id} aria-posinset={place} aria-setsize={count}>
        <a
          class={unread > 0 ? "row fresh" : "row"}
          href={pathOf(row.id)}
          tabIndex={isReached ? 0 : -1}
          aria-current={isOpen ? "page" : undefined}
          onClick={open}
          onFocus={() => onCursor(row.id)}
        >
          <Face name={summary.title} here={isHere} />
          <span class="row-top">
            <span class="row-name cut" dir="auto">
              {summary.title}
              {isHere && <span class="unseen"> ({en.here})</span>}
            </span>
            {summary.last && <Ago ts={summary.last.ts} now={now} />}
          </span>
          <span class="row-last">
            <span class="cut" dir="auto">
              {summary.last ? lastLine(summary.last, summary.title, me) : en.noLines}
            </span>
            {isNoted && <NoteMark />}
            {unread > 0 && (
              <span class="badge">
                <span aria-hidden="true">{en.unreadBadge(unread)}</span>
                <span class="unseen">{en.unread(unread)}</span>
              </span>
            )}
          </span>
          {namesSite && summary.site && <span class="row-site cut">{summary.site.name}</span>}
        </a>
      </li>
    );
  }
}

function NoteMark() {
  return (
    <span class="noted" title={en.newNote}>
      <Icon node={StickyNote} size={16} />
      <span class="unseen">{en.newNote}</span>
    </span>
  );
}

/** The visitor's own line needs no name: the row bears it. */
function lastLine(last: { readonly text: string; readonly by: string }, visitor: string, me: string): string {
  if (last.by === visitor || last.by === "") return last.text;
  return `${last.by === me ? en.you : last.by}: ${last.text}`;
}

interface MoreProps {
  readonly root: RefObject<HTMLDivElement | null>;
  readonly onMore: () => void;
}

/** Asks for the next page when the end of the list comes near. */
function More({ root, onMore }: MoreProps) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!end.current) return;
    const watch = new IntersectionObserver((found) => found.some((one) => one.isIntersecting) && onMore(), {
      root: root.current,
      rootMargin: AHEAD,
    });
    watch.observe(end.current);
    return () => watch.disconnect();
  }, []);
  return <div ref={end} class="list-end" />;
}

/** Rows glide to their new place, so that the eye can follow which one came up. Only where nothing was scrolled. */
function useGlide(
  scroller: RefObject<HTMLDivElement | null>,
  list: RefObject<HTMLUListElement | null>,
  rows: readonly Row[],
): void {
  const places = useRef(new Map<Id, number>());
  useLayoutEffect(() => {
    const before = places.current;
    const watched = rows.slice(0, WATCHED);
    places.current = new Map(watched.map((row, index) => [row.id, index]));
    if (before.size === 0 || scroller.current?.scrollTop || isStill()) return;
    for (const [index, row] of watched.entries()) {
      const from = before.get(row.id);
      const element = list.current?.children[index];
      if (element instanceof HTMLElement && from !== undefined && from !== index) glide(element, from - index);
    }
  }, [rows]);
}

function glide(element: HTMLElement, rows: number): void {
  const shift = rows * element.offsetHeight;
  element.animate([{ transform: `translateY(${shift}px)` }, { transform: "none" }], {
    duration: 180,
    easing: "ease-out",
  });
}

const isStill = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;
