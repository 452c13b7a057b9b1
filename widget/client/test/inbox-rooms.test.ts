import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Summary } from "../src/core/protocol.ts";
import { emptyRoom, type Room, type State } from "../src/core/state.ts";
import {
  filterOf,
  freshNotes,
  hasManySites,
  isWaiting,
  listed,
  neighbour,
  noPages,
  pageRead,
  type Row,
  unreadRooms,
  waiting,
} from "../src/inbox/rooms.ts";

const AT = (minute: number) => `2026-11-22T10:${String(minute).padStart(2, "0")}:00.000Z`;

const summary = (id: string, minute: number, more: Partial<Summary> = {}): Summary => ({
  id,
  kind: "support",
  title: "Vic",
  people: 2,
  head: 3,
  epoch: "e",
  rev: 3,
  status: "open",
  last: { text: "hello", by: "Vic", ts: AT(minute) },
  ...more,
});

const room = (found: Summary, more: Partial<Room> = {}): Row => ({ ...emptyRoom(found.id), ...more, summary: found });
const rooms = (...all: readonly Room[]): State["rooms"] => Object.fromEntries(all.map((one) => [one.id, one]));
const ids = (rows: readonly Row[]) => rows.map((row) => row.id);
const ALL = pageRead([], null);

describe("the list of rooms", () => {
  test("shows the newest last line first", () => {
    const known = rooms(room(summary("a", 1)), room(summary("b", 9)), room(summary("c", 5)));
    assert.deepEqual(ids(listed(known, "open", ALL)), ["b", "c", "a"]);
  });

  test("keeps one order for lines of the same moment", () => {
    const there = rooms(room(summary("a", 1)), room(summary("b", 1)));
    const back = rooms(room(summary("b", 1)), room(summary("a", 1)));
    assert.deepEqual(ids(listed(there, "open", ALL)), ids(listed(back, "open", ALL)));
  });

  test("shows a resolved room under the other filter only", () => {
    const known = rooms(room(summary("a", 1)), room(summary("b", 2, { status: "resolved" })));
    assert.deepEqual(ids(listed(known, "open", ALL)), ["a"]);
    assert.deepEqual(ids(listed(known, "resolved", ALL)), ["b"]);
  });

  test("leaves out rooms that are no support rooms, and rooms it knows nothing of", () => {
    const known = rooms(room(summary("a", 1, { kind: "team" })), emptyRoom("b"), room(summary("c", 1)));
    assert.deepEqual(ids(listed(known, "open", ALL)), ["c"]);
  });

  test("hides what lies below the pages read, so that no row comes up between two others", () => {
    const known = rooms(room(summary("new", 9)), room(summary("read", 5)), room(summary("old", 1)));
    const page = pageRead([summary("new", 9), summary("read", 5)], "onward");
    assert.deepEqual(ids(listed(known, "open", page)), ["new", "read"]);
    assert.deepEqual(ids(listed(known, "open", pageRead([summary("old", 1)], null))), ["new", "read", "old"]);
  });

  test("has not been read at first", () => {
    assert.equal(noPages.open.state, "idle");
    assert.deepEqual(pageRead([], undefined), { state: "ready", cursor: null, floor: null });
  });
});

describe("notes", () => {
  const noted = (id: string, notes: string, unread: number) =>
    rooms(room(summary(id, 1, { notes })), { ...emptyRoom(notes), unread });

  test("that I have not read mark the room, whether a list or a broadcast told of them", () => {
    assert.deepEqual([...freshNotes(noted("a", "n", 2))], ["a"]);
    const broadcast = room(summary("n", 1, { kind: "team", notes_of: "a" }), { unread: 1 });
    assert.deepEqual([...freshNotes(rooms(broadcast))], ["a"]);
    assert.deepEqual([...freshNotes(rooms(room(summary("a", 1, { notes: "n" })), broadcast))], ["a"]);
  });

  test("that I have read, or that are none, mark nothing", () => {
    assert.deepEqual([...freshNotes(noted("a", "n", 0))], []);
    assert.deepEqual([...freshNotes(rooms(room(summary("a", 1, { notes: "n" })), room(summary("b", 2))))], []);
  });
});

describe("counts", () => {
  test("who waits is who spoke last and is the visitor", () => {
    assert.equal(isWaiting(room(summary("a", 1))), true);
    assert.equal(isWaiting(room(summary("a", 1, { last: { text: "yes", by: "Ben", ts: AT(1) } }))), false);
  });

  test("the oldest wait is that of the line longest ago", () => {
    const rows = [room(summary("a", 9)), room(summary("b", 2)), room(summary("c", 5))];
    assert.deepEqual(waiting(rows), { count: 3, oldest: AT(2) });
    assert.deepEqual(waiting([]), { count: 0, oldest: null });
  });

  test("the title counts open rooms with unread lines, not the lines", () => {
    const known = rooms(
      room(summary("a", 1), { unread: 7 }),
      room(summary("b", 1), { unread: 0 }),
      room(summary("c", 1, { status: "resolved" }), { unread: 1 }),
    );
    assert.equal(unreadRooms(known), 1);
  });

  test("sites are named where there is more than one", () => {
    const shop = { site: { id: "s", name: "Shop" } };
    const rows = [room(summary("a", 1, shop)), room(summary("b", 1, shop))];
    assert.equal(hasManySites(rows), false);
    assert.equal(hasManySites([...rows, room(summary("c", 1, { site: { id: "t", name: "Trade" } }))]), true);
  });

  test("every status but resolved still wants an answer", () => {
    assert.equal(filterOf({ kind: "support", status: "snoozed" }), "open");
    assert.equal(filterOf({ kind: "support" }), "open");
    assert.equal(filterOf({ kind: "support", status: "resolved" }), "resolved");
  });

  test("rooms without one visitor stand by themselves", () => {
    assert.equal(filterOf({ kind: "community" }), "rooms");
    assert.equal(filterOf({ kind: "team", status: "open" }), "rooms");
  });
});

describe("moving in the list", () => {
  const rows = [room(summary("a", 3)), room(summary("b", 2)), room(summary("c", 1))];

  test("goes one row and stops at both ends", () => {
    assert.equal(neighbour(rows, "a", 1), "b");
    assert.equal(neighbour(rows, "c", 1), "c");
    assert.equal(neighbour(rows, "a", -1), "a");
  });

  test("begins at the first row when the last place is gone", () => {
    assert.equal(neighbour(rows, "gone", 1), "a");
    assert.equal(neighbour(rows, null, -1), "a");
    assert.equal(neighbour([], null, 1), null);
  });
});
