/** The list of rooms: filters, counts in words, rows, and what stands there when there are none. */

import type { Id } from "../core/index.ts";
import { EmptyList, EmptyOpen, Ghosts, ListFailed } from "./list-notes.tsx";
import { type Filter, type Paging, type Row, waiting } from "./rooms.ts";
import { RowList } from "./row-list.tsx";
import { en } from "./text.ts";
import { span } from "./time.ts";

export interface RoomsPaneProps {
  readonly filter: Filter;
  readonly paging: Paging;
  readonly rows: readonly Row[];
  readonly opened: Id | null;
  /** The row that Tab reaches. */
  readonly cursor: Id | null;
  readonly here: ReadonlySet<Id>;
  /** Rooms with notes that I have not read. */
  readonly noted: ReadonlySet<Id>;
  readonly me: string;
  readonly now: number;
  readonly tag: string | undefined;
  readonly inert: boolean;
  readonly onFilter: (filter: Filter) => void;
  readonly onOpen: (room: Id) => void;
  readonly onCursor: (room: Id) => void;
  readonly onMore: () => void;
}

export function RoomsPane(props: RoomsPaneProps) {
  return (
    <nav class="rooms" aria-label={en.roomsLabel} inert={props.inert}>
      <header class="rooms-head">
        <div class="rooms-title">
          <h2>{en.title}</h2>
          <p class="soft small" aria-live="polite">
            {countOf(props)}
          </p>
        </div>
        <fieldset class="tabs">
          <legend class="unseen">{en.filtersLabel}</legend>
          {(["open", "resolved", "rooms"] as const).map((filter) => (
            <button
              key={filter}
              type="button"
              class="tab"
              aria-pressed={filter === props.filter}
              onClick={() => props.onFilter(filter)}
            >
              {en.filters[filter]}
            </button>
          ))}
        </fieldset>
      </header>
      <List {...props} />
    </nav>
  );
}

/** "3 waiting, oldest 4 min" says more than a number of rooms. */
function countOf({ filter, paging, rows, now }: RoomsPaneProps): string {
  if (rows.length === 0) return "";
  if (filter === "resolved") return en.resolvedCount(rows.length, paging.cursor !== null);
  if (filter === "rooms") return en.roomsCount(rows.length);
  const { count, oldest } = waiting(rows);
  return oldest === null ? en.noneWaiting : en.waiting(count, span(oldest, now));
}

function List(props: RoomsPaneProps) {
  const { filter, paging, rows } = props;
  const mayHoldMore = paging.cursor !== null; // a page of all rooms can be without an open one
  if (rows.length > 0 || mayHoldMore) return <RowList {...props} />;
  return (
    <div class="list">
      {paging.state === "failed" && <ListFailed onRetry={props.onMore} />}
      {(paging.state === "loading" || paging.state === "idle") && <Ghosts />}
      {paging.state === "ready" && (filter === "open" ? <EmptyOpen tag={props.tag} /> : <EmptyList filter={filter} />)}
    </div>
  );
}
