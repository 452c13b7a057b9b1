import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { State } from "../src/core/state.ts";
import { conversation, notesOf } from "../src/inbox/conversation.ts";
import { freshNotes } from "../src/inbox/rooms.ts";
import { type Acts, allowed, isAny } from "../src/ui/acts.ts";
import { pendingLine } from "../src/ui/lines.ts";
import { after, BEN, joined, line, msg, summary, VIC, welcome } from "./frames.ts";

const nothing = () => {};
const actsOf = (more: Partial<Acts> = {}): Acts => ({
  me: "vic",
  canWrite: true,
  canModerate: false,
  react: nothing,
  reply: nothing,
  edit: nothing,
  remove: nothing,
  again: nothing,
  giveUp: nothing,
  show: nothing,
  extras: () => [],
  ...more,
});

describe("what may be done with a line", () => {
  const extra = { words: "Report", done: "Reported", act: async () => {} };
  const named = (...[of, acts = actsOf()]: [Parameters<typeof allowed>[0], Acts?]) =>
    Object.entries(allowed(of, acts)).flatMap(([name, may]) =>
      Array.isArray(may) ? may.map((one) => one.words) : may ? name : [],
    );

  test("my own is changed and removed, another's is not", () => {
    assert.deepEqual(named(line(1, { by: VIC })), ["react", "reply", "edit", "remove"]);
    assert.deepEqual(named(line(1)), ["react", "reply"]);
  });

  test("who keeps order removes what others said, and does not edit it", () => {
    assert.deepEqual(named(line(1), actsOf({ canModerate: true })), ["react", "reply", "remove"]);
  });

  test("who may not write may still take back", () => {
    assert.deepEqual(named(line(1, { by: VIC }), actsOf({ canWrite: false })), ["remove"]);
    assert.deepEqual(named(line(1), actsOf({ canWrite: false, extras: () => [extra] })), ["Report"]);
  });

  test("a form is no text that one edits", () => {
    assert.deepEqual(named(line(1, { by: VIC, kind: "form" })), ["react", "reply", "remove"]);
  });

  test("nobody is taken for the author of what nobody said", () => {
    const { me: _nobody, ...rest } = actsOf();
    const stranger: Acts = { ...rest, me: undefined };
    assert.deepEqual(named(line(1, { by: { kind: "visitor", id: null, name: "" } }), stranger), ["react", "reply"]);
  });

  test("nothing is offered for what is on its way, removed, or said by the system", () => {
    const pending = pendingLine({ cid: "c", room: "r", text: "1", at: 0, state: "waiting" }, VIC);
    const acts = actsOf({ canModerate: true, extras: () => [extra] });
    for (const one of [pending, line(1, { deleted: true }), line(1, { kind: "system" })])
      assert.equal(isAny(allowed(one, acts)), false);
    assert.equal(isAny(allowed(line(1), acts)), true);
  });
});

describe("a room with its notes", () => {
  const at = (minute: number) => ({ ts: `2026-11-22T10:${String(minute).padStart(2, "0")}:00.000Z` });
  const said = [line(5, at(10)), line(6, at(20)), line(7, at(30))];
  const note = (seq: number, minute: number) => line(seq, { id: `n${seq}`, room: "n", ...at(minute) });
  const noted = [note(1, 5), note(2, 15), note(3, 30), note(4, 30)];
  const about = summary(7, { notes: "n" });
  const notes = summary(4, { id: "n", kind: "team", notes_of: "r" });
  const known = (more: boolean): State =>
    after([
      welcome([about], { me: BEN }),
      joined(7, said, { summary: about, more }),
      joined(4, noted, { room: "n", summary: notes }),
    ]);
  const shown = (chat: State) => {
    const room = chat.rooms.r;
    assert.ok(room);
    return conversation(chat, room, notesOf(chat, room)).map((one) => `${one.room} ${one.text}`);
  };

  test("the lines stand in the order in which they were said, those of one time in that of their numbers", () => {
    assert.deepEqual(shown(known(false)), [
      "n line 1",
      "r line 5",
      "n line 2",
      "r line 6",
      "r line 7",
      "n line 3",
      "n line 4",
    ]);
  });

  test("what was noted before the oldest loaded line waits for that line", () => {
    assert.deepEqual(shown(known(true)), ["r line 5", "n line 2", "r line 6", "r line 7", "n line 3", "n line 4"]);
  });

  test("a room whose notes nobody knows shows its own lines", () => {
    const chat = after([welcome([about]), joined(7, said, { summary: about })]);
    assert.deepEqual(shown(chat), ["r line 5", "r line 6", "r line 7"]);
  });

  test("notes that came in are told from those that I read", () => {
    const heard = { t: "room", room: "n", summary: notes } as const;
    assert.deepEqual([...freshNotes(after([welcome([about]), heard]).rooms)], ["r"]);
    const open = after(
      [msg(5, { ...note(5, 40), by: VIC })].map((frame) => ({ ...frame, room: "n" })),
      known(false),
    );
    assert.deepEqual([...freshNotes(open.rooms)], ["r"]);
    const read = after([{ t: "marks", room: "n", who: BEN.id, seq: 5 }], open);
    assert.deepEqual([...freshNotes(read.rooms)], []);
  });
});
