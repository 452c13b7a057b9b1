import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ServerFrame, Summary } from "../src/core/protocol.ts";
import { EMPTY, hasHole, isRead, NEW_ROOM, type Room, type State } from "../src/core/state.ts";
import { reduce } from "../src/core/store.ts";
import { after, BEN, joined, line, msg, roomAfter, start, summary, upd, VIC, welcome } from "./frames.ts";

const seqs = (room: Room) => room.messages.map((message) => message.seq);

describe("rule 3", () => {
  const cases: readonly [name: string, frames: readonly ServerFrame[], shown: number[], last: number, hole: boolean][] =
    [
      ["the next line is applied", [msg(3)], [1, 2, 3], 3, false],
      ["a line twice is applied once", [msg(3), msg(3)], [1, 2, 3], 3, false],
      ["an old line changes nothing", [msg(1, { text: "other" })], [1, 2], 2, false],
      ["a line ahead of a hole waits", [msg(4)], [1, 2], 2, true],
      ["the hole is filled by the late line", [msg(4), msg(3)], [1, 2, 3, 4], 4, false],
      ["three out of order", [msg(5), msg(4), msg(3)], [1, 2, 3, 4, 5], 5, false],
      ["an edit takes a number", [upd(3, 1), msg(4)], [1, 2, 4], 4, false],
      ["an edit ahead of a hole waits", [upd(4, 1)], [1, 2], 2, true],
      ["a head above says there is a hole", [{ t: "ping", n: 1, heads: { r: 3 } }], [1, 2], 2, true],
      ["a head that is known says nothing", [{ t: "ping", n: 1, heads: { r: 2 } }], [1, 2], 2, false],
    ];
  for (const [name, frames, shown, last, hole] of cases) {
    test(name, () => {
      const room = roomAfter(start, ...frames);
      assert.deepEqual([seqs(room), room.last, hasHole(room)], [shown, last, hole]);
    });
  }

  test("an edit replaces its message, an older one never", () => {
    const room = roomAfter(start, upd(3, 1, { text: "edited", edited_at: "2026-11-22T10:01:00.000Z" }));
    assert.equal(room.messages[0]?.text, "edited");
    const again = roomAfter(start, upd(3, 1, { text: "newer" }), joined(3, [line(1)], { resumed: true }));
    assert.equal(again.messages[0]?.text, "newer");
  });

  test("an edit above the loaded page leaves no hole in the view", () => {
    const room = roomAfter(joined(40, [line(39), line(40)], { more: true }), upd(41, 7));
    assert.deepEqual([seqs(room), room.last], [[39, 40], 41]);
  });
});

describe("joining", () => {
  test("what arrives between the group and the snapshot is kept, what the snapshot holds falls out", () => {
    const early = reduce(after([welcome([summary(2)])]), { type: "want", room: "r", joined: true });
    const room = after([msg(2), msg(3), start], early).rooms.r as Room;
    assert.deepEqual([seqs(room), room.last], [[1, 2, 3], 3]);
  });

  test("resumed: the change is added to the view", () => {
    const room = roomAfter(start, joined(4, [line(3), line(4)], { resumed: true }));
    assert.deepEqual([seqs(room), room.last], [[1, 2, 3, 4], 4]);
  });

  test("not resumed: the view is thrown away, unsent lines stay", () => {
    const pending = { cid: "c", room: "r", text: "mine", at: 0, state: "waiting" } as const;
    const waiting = reduce(after([welcome(), start, msg(4)]), { type: "wrote", pending });
    const state = after([joined(90, [line(89), line(90)], { epoch: "e2", more: true })], waiting);
    const room = state.rooms.r as Room;
    assert.deepEqual([seqs(room), room.last, room.epoch, room.more], [[89, 90], 90, "e2", true]);
    assert.deepEqual(state.pending, [pending]);
  });

  test("overtaken by later news: the view does not go back, and what continues it leaves no hole", () => {
    const late = joined(2, [line(1), line(2)], { more: true });
    const room = roomAfter(start, msg(3), late, joined(4, [line(4)], { resumed: true }));
    assert.deepEqual([seqs(room), room.last, room.more], [[1, 2, 3, 4], 4, false]);
  });

  test("resumed in another epoch than ours is not believed", () => {
    const room = roomAfter(start, joined(9, [line(9)], { resumed: true, epoch: "e2" }));
    assert.deepEqual(seqs(room), [9]);
  });

  test("a catch-up in pages is whole with its last page, and lines meanwhile wait", () => {
    const first = joined(5, [line(3)], { resumed: true, more: true, ref: 7 });
    const half = roomAfter(start, first, msg(6));
    assert.equal(half.last, 2);
    const page = (seq: number, more: boolean): ServerFrame => ({
      t: "page",
      ref: 7,
      room: "r",
      messages: [line(seq)],
      more,
    });
    const whole = roomAfter(start, first, msg(6), page(4, true), page(5, false));
    assert.deepEqual([seqs(whole), whole.last], [[1, 2, 3, 4, 5, 6], 6]);
  });

  test("an older page is put above, and answers its own question only", () => {
    const state = after([welcome(), joined(4, [line(3), line(4)], { more: true })]);
    const asked = reduce(state, { type: "asked", kind: "older", room: "r", ref: 3, now: 0 });
    const page = (ref: number): ServerFrame => ({
      t: "page",
      ref,
      room: "r",
      messages: [line(1), line(2)],
      more: false,
    });
    assert.deepEqual(seqs(after([page(9)], asked).rooms.r as Room), [3, 4]);
    const room = after([page(3)], asked).rooms.r as Room;
    assert.deepEqual([seqs(room), room.more, room.older], [[1, 2, 3, 4], false, undefined]);
  });

  test("access that ended takes the room away; leaving keeps it in the list", () => {
    assert.equal(after([welcome(), start, { t: "left", room: "r", code: "forbidden" }]).rooms.r, undefined);
    assert.equal(roomAfter(start, { t: "left", room: "r" }).joined, false);
  });
});

describe("an older backup came back", () => {
  const mark = (who: string, seq: number): ServerFrame => ({ t: "marks", room: "r", who, seq });
  const lost = [mark("vic", 5), mark("ben", 5), msg(7)]; // read to the end of what is gone; the last waits for a hole
  const before = after([welcome(), joined(5, [line(4), line(5)], { more: true }), ...lost]);
  const back = summary(3, { epoch: "e2", rev: 9, unread: 2 });
  const again = joined(3, [line(3)], { epoch: "e2", summary: back, marks: [{ who: "vic", seq: 1 }] });
  const read = (state: State) => reduce(state, { type: "marked", room: "r", seq: 5 });

  test("marks of the lost history are none of this one", () => {
    const room = after([welcome([back]), again, msg(4)], before).rooms.r as Room;
    assert.deepEqual([room.marks, room.unread], [{ vic: 1 }, 3]);
    assert.deepEqual([seqs(room), room.early], [[3, 4], []]);
  });

  test("nor is one that is set while the old view is still shown", () => {
    const room = after([again], read(after([welcome([back])], before))).rooms.r as Room;
    assert.deepEqual([room.marks, room.unread], [{ vic: 1 }, 2]);
  });

  test("a room that is only listed has what came back unread", () => {
    const listed = after([welcome([summary(5)]), mark("vic", 5)]);
    assert.equal(after([welcome([back])], listed).rooms.r?.unread, 2);
    assert.equal(after([welcome([{ ...back, epoch: "e1", rev: 5 }])], listed).rooms.r?.unread, 0);
  });

  test("what is told late of the lost history changes nothing", () => {
    const late: ServerFrame = { t: "room", room: "r", summary: summary(7, { title: "lost" }) };
    const room = after([welcome([back]), again, late], before).rooms.r as Room;
    assert.deepEqual([room.summary?.title, room.marks, room.unread], ["Vic", { vic: 1 }, 2]);
  });
});

describe("mine", () => {
  const pending = (cid: string, room = "r") => ({ cid, room, text: cid, at: 0, state: "waiting" }) as const;
  const wrote = (...cids: string[]): State =>
    cids.reduce((state, cid) => reduce(state, { type: "wrote", pending: pending(cid) }), after([welcome(), start]));
  const ack = (cid: string, seq: number): ServerFrame => ({ t: "ack", cid, room: "r", seq, id: `m${seq}`, ts: "" });
  const states = (state: State) => state.pending.map((one) => [one.cid, one.state]);

  test("ack first, then the line", () => {
    const acked = after([ack("a", 3)], wrote("a"));
    assert.deepEqual(states(acked), [["a", "sent"]]);
    assert.deepEqual(states(after([msg(3, { cid: "a", by: VIC })], acked)), []);
  });

  test("the line first, then its ack", () => {
    assert.deepEqual(states(after([msg(3, { cid: "a", by: VIC }), ack("a", 3)], wrote("a"))), []);
  });

  test("an ack for what a catch-up brought", () => {
    assert.deepEqual(
      states(after([joined(3, [line(3, { by: VIC })], { resumed: true }), ack("a", 3)], wrote("a"))),
      [],
    );
  });

  test("one refusal leaves the others alone", () => {
    const err: ServerFrame = { t: "err", cid: "a", code: "too_long", message: "" };
    assert.deepEqual(states(after([err], wrote("a", "b"))), [
      ["a", "refused"],
      ["b", "waiting"],
    ]);
  });

  describe("the first words, written before the welcome", () => {
    const community = {
      ...summary(9),
      id: "c",
      kind: "community",
      last: { text: "", by: "Ben", ts: "2026-11-22T10:00:00Z" },
    };
    const own = { ...summary(2), last: { text: "", by: "Ben", ts: "2026-11-21T10:00:00Z" } };
    const first = reduce(EMPTY, { type: "wrote", pending: pending("a", NEW_ROOM) });
    const rooms = (state: State) => state.pending.map((one) => one.room);

    test("go into the support room that the visitor has, though others talk elsewhere since", () =>
      assert.deepEqual(rooms(after([welcome([community, own])], first)), ["r"]));

    test("wait for a room of their own where the visitor is only among others", () => {
      const state = after([welcome([community])], first);
      assert.deepEqual([rooms(state), state.rooms.c?.joined], [[NEW_ROOM], false]);
    });
  });

  test("a room list with its own revision: the newest wins", () => {
    const room = (rev: number, title: string): ServerFrame => ({
      t: "room",
      room: "r",
      summary: summary(2, { rev, title }),
    });
    assert.equal(roomAfter(start, room(9, "new"), room(8, "old")).summary?.title, "new");
  });
});

describe("unread", () => {
  test("others' lines count, mine, system lines and edits do not", () => {
    const room = roomAfter(start, msg(3), msg(4, { by: VIC }), msg(5, { kind: "system" }), upd(6, 1), msg(7));
    assert.equal(room.unread, 2);
  });

  test("a deletion takes its line out of the count, unless it was read", () => {
    const mark: ServerFrame = { t: "marks", room: "r", who: "vic", seq: 3 };
    const deleted = (seq: number, birth: number) => upd(seq, birth, { deleted: true, text: "" });
    const lines = [start, msg(3), msg(4), msg(5), mark];
    assert.equal(roomAfter(...lines).unread, 2);
    assert.equal(roomAfter(...lines, deleted(6, 4)).unread, 1);
    assert.equal(roomAfter(...lines, deleted(6, 3)).unread, 2);
  });

  test("my mark clears what it covers, on any tab, and never goes back", () => {
    const lines = [start, msg(3), msg(4), msg(5)];
    const mark = (seq: number): ServerFrame => ({ t: "marks", room: "r", who: "vic", seq });
    assert.equal(roomAfter(...lines, mark(4)).unread, 1);
    assert.equal(roomAfter(...lines, mark(5), mark(3)).unread, 0);
  });

  test("another's mark says that they read mine", () => {
    const room = roomAfter(start, { t: "marks", room: "r", who: "ben", seq: 2 });
    assert.deepEqual([isRead(room, 2, "vic"), isRead(room, 3, "vic"), isRead(room, 2, "ben")], [true, false, false]);
  });

  test("a room that is not joined counts by its heads, up to 99", () => {
    const list = welcome([summary(2, { unread: 1 })]);
    const heads = (head: number): ServerFrame => ({ t: "room", room: "r", summary: summary(head) });
    assert.equal(after([list, heads(4)]).rooms.r?.unread, 3);
    assert.equal(after([list, heads(400)]).rooms.r?.unread, 99);
  });

  test("a room heard of for the first time has at least the line that made it known", () => {
    const news: ServerFrame = { t: "room", room: "r", summary: summary(2) };
    assert.equal(after([welcome([]), news]).rooms.r?.unread, 1);
  });

  test("a count taken before my mark arrived is not believed", () => {
    const late = { type: "learned", rooms: [summary(2, { unread: 2 })] } as const;
    const known = after([welcome([summary(2, { unread: 2 })])]);
    assert.equal(reduce(known, late).rooms.r?.unread, 2);
    const read = reduce(known, { type: "marked", room: "r", seq: 2 });
    assert.equal(reduce(read, late).rooms.r?.unread, 0);
  });
});

describe("notes", () => {
  const told = (more: Partial<Summary>): ServerFrame => ({
    t: "room",
    room: "r",
    summary: summary(2, { unread: 0, notes: "n", ...more }),
  });
  const unread = (...frames: readonly ServerFrame[]) => after([welcome(), ...frames]).rooms.n?.unread;

  test("what was made for me says how many I have not read", () => {
    assert.equal(unread(told({ notes_unread: 2 })), 2);
    assert.equal(unread(told({ notes_unread: 2 }), told({ rev: 3 })), 0);
    assert.equal(unread(told({})), undefined);
  });

  test("what was made for everyone does not", () => {
    const { unread: _mine, ...everyones } = summary(2, { rev: 3, notes: "n" });
    assert.equal(unread(told({ notes_unread: 2 }), { t: "room", room: "r", summary: everyones }), 2);
  });

  test("those of a joined room are counted themselves", () => {
    const state = reduce(after([welcome(), told({ notes_unread: 1 })]), { type: "want", room: "n", joined: true });
    const later = reduce(state, { type: "frame", frame: told({ notes_unread: 5, rev: 3 }), now: 1 });
    assert.equal(later.rooms.n?.unread, 1);
  });
});

describe("people", () => {
  test("come and go; a crowd is a count with a sample", () => {
    const here = (on: boolean): ServerFrame => ({ t: "people", room: "r", who: BEN, on });
    assert.equal(roomAfter(start, here(true), here(true)).count, 1);
    assert.equal(roomAfter(start, here(true), here(false)).count, 0);
    const crowd = roomAfter(start, { t: "people", room: "r", who: [BEN], count: 80 });
    assert.deepEqual([crowd.count, crowd.people.length], [80, 1]);
  });

  test("visitors of the site are kept by what changed, and forgotten with the line", () => {
    const page = { url: "https://shop.example/", title: "Shop", referrer: "" };
    const seen = (on: boolean): ServerFrame => ({ t: "presence", visitors: [{ id: "vic", name: "Vic", page, on }] });
    assert.equal(after([seen(true)]).visitors.vic?.page.title, "Shop");
    assert.deepEqual(after([seen(true), seen(false)]).visitors, {});
    assert.deepEqual(reduce(after([seen(true)]), { type: "lost" }).visitors, {});
    assert.deepEqual(after([seen(true), welcome()]).visitors, {});
  });
});
