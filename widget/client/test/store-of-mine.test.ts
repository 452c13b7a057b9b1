import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ErrorCode, Message, ServerFrame } from "../src/core/protocol.ts";
import { hasReacted } from "../src/core/reactions.ts";
import type { Room, State } from "../src/core/state.ts";
import { reduce } from "../src/core/store.ts";
import { linesOf, silenceOf } from "../src/core/view.ts";
import { after, BEN, joined, line, notice, roomAfter, start, summary, upd, welcome } from "./frames.ts";

describe("notices", () => {
  const ids = (state: State) => state.notices.map((one) => one.id);
  const two = after([welcome([], { unread: 1, notices: [notice("a")] }), notice("b")]);

  test("the newest stands first, and one that comes twice stands once", () => {
    assert.deepEqual([ids(two), two.unreadNotices], [["b", "a"], 2]);
    assert.deepEqual([ids(after([notice("b")], two)), two.unreadNotices], [["b", "a"], 2]);
  });

  test("read here, they are gone, and stay gone if the server has not heard of it by the next welcome", () => {
    const one = reduce(two, { type: "seen", what: "a" });
    assert.deepEqual([ids(one), one.unreadNotices], [["b"], 1]);
    const again = welcome([], { unread: 3, notices: [notice("c"), notice("b"), notice("a")] });
    const back = after([again], one);
    assert.deepEqual([ids(back), back.unreadNotices, back.dismissed], [["c", "b"], 2, ["a"]]);
    assert.deepEqual(after([welcome()], back).dismissed, []);
  });

  test("all at once", () => {
    const none = reduce(two, { type: "seen", what: "all" });
    assert.deepEqual([ids(none), none.unreadNotices], [[], 0]);
    assert.deepEqual(ids(after([notice("b")], none)), [], "a late repetition does not bring it back");
  });

  test("read on another tab, one or all, with the count of the server", () => {
    const one = after([{ t: "seen", notification: "a", unread: 7 }], two);
    assert.deepEqual([ids(one), one.unreadNotices], [["b"], 7]);
    const none = after([{ t: "seen", all: true, unread: 0 }], two);
    assert.deepEqual([ids(none), none.unreadNotices], [[], 0]);
  });
});

test("told once more with the rest of the list, notices count as often as there are", () => {
  const ids = Array.from({ length: 50 }, (_, n) => `n${String(n).padStart(2, "0")}`);
  const listed = ids.slice(30).map(notice).reverse();
  const read = listed
    .slice(0, 10)
    .reduce(
      (state, one) => reduce(state, { type: "seen", what: one.id }),
      after([welcome([], { unread: 50, notices: listed })]),
    );
  assert.equal(read.unreadNotices, 40);
  const again = after([...ids.slice(20, 40).map(notice), { t: "seen", unread: 40 }], read);
  assert.equal(again.unreadNotices, 40);
  assert.equal(again.notices.length, 20, "a count alone takes none away");
});

describe("a room that is taken away", () => {
  const waiting = (cid: string) => ({ cid, room: "r", text: cid, at: 0, state: "waiting" }) as const;
  const wrote = reduce(after([welcome(), start]), { type: "wrote", pending: waiting("a") });

  test("says why, and what I had not sent says it too", () => {
    const state = after([{ t: "left", room: "r", code: "forbidden" }], wrote);
    assert.deepEqual(state.left, { r: "forbidden" });
    assert.deepEqual([state.pending[0]?.state, state.pending[0]?.code], ["refused", "forbidden"]);
  });

  test("let in again, it is forgotten", () => {
    const back = after([{ t: "left", room: "r", code: "forbidden" }, start], wrote);
    assert.deepEqual([back.left, back.rooms.r?.last], [{}, 2]);
  });
});

describe("what a summary says of me", () => {
  const mine = { role: "moderator" } as const;
  const personal: ServerFrame = { t: "room", room: "r", summary: summary(3, { unread: 0, mine, notes: "n" }) };
  const broadcast: ServerFrame = { t: "room", room: "r", summary: summary(4, { locked: true }) };

  test("outlives a frame for everyone, which does not know", () => {
    const { summary: known } = roomAfter(start, personal, broadcast);
    assert.deepEqual([known?.mine, known?.notes, known?.locked], [mine, "n", true]);
  });

  test("ends with an answer for me that does not say it any more", () => {
    const later: ServerFrame = { t: "room", room: "r", summary: summary(5, { unread: 0 }) };
    assert.equal(roomAfter(start, personal, later).summary?.mine, undefined);
  });
});

describe("a refusal", () => {
  const waiting = { cid: "c", room: "r", text: "", at: 0, state: "waiting" } as const;
  const wrote = reduce(after([welcome(), start]), { type: "wrote", pending: waiting });
  const refused = (code: string, retry_after?: number) => {
    const about = { t: "err", cid: "c", code: code as ErrorCode, message: "" } as const;
    const [one] = after([retry_after === undefined ? about : { ...about, retry_after }], wrote).pending;
    return [one?.state, one?.until];
  };
  const cases: readonly [code: string, wait: number | undefined, state: string, until: number | undefined][] = [
    ["rate_limited", 2, "waiting", 2_000],
    ["slow_mode", 30, "waiting", 30_000],
    ["busy", undefined, "waiting", 1_000],
    ["internal", undefined, "waiting", 1_000],
    ["muted", 60, "refused", 60_000],
    ["plan_limit", 86_400, "refused", 86_400_000],
    ["too_long", undefined, "refused", undefined],
    ["of_a_newer_server", undefined, "refused", undefined],
    ["of_a_newer_server", 5, "waiting", 5_000],
  ];
  for (const [code, wait, state, until] of cases) {
    test(`${code}${wait === undefined ? "" : `, with a time`}: ${state}`, () =>
      assert.deepEqual(refused(code, wait), [state, until]));
  }

  const said = (code: ErrorCode) =>
    after([{ t: "err", cid: "c", code, message: "The plan has 1,000, and 1,050 are used." }], wrote).pending[0]?.why;

  test("by the plan keeps the server's words: only it knows the numbers and the way out", () =>
    assert.equal(said("plan_limit"), "The plan has 1,000, and 1,050 are used."));

  test("of another kind has words of the client's own", () => assert.equal(said("too_long"), undefined));

  test("is forgotten when it goes again", () => {
    const again = after([{ t: "err", cid: "c", code: "plan_limit", message: "Full." }], wrote);
    const [one] = reduce(again, { type: "again", cid: "c", now: 1 }).pending;
    assert.equal(one && "why" in one, false);
  });
});

describe("why I may not write", () => {
  const silence = (now: number, more: Parameters<typeof summary>[1] = {}, ...frames: ServerFrame[]) => {
    const state = after([welcome(), joined(2, [], { summary: summary(2, { unread: 0, ...more }) })]);
    const pending = { cid: "c", room: "r", text: "", at: 0, state: "waiting" } as const;
    const said = after(frames, reduce(state, { type: "wrote", pending }));
    return silenceOf(said, said.rooms.r as Room, now);
  };
  const moderator = { role: "moderator" } as const;
  const until = "1970-01-01T00:01:00.000Z";

  test("nothing in the way", () => assert.equal(silence(0), undefined));
  test("archived: for everybody", () =>
    assert.deepEqual(silence(0, { closed: true, mine: moderator }), { code: "room_closed" }));
  test("locked: not for a moderator", () => {
    assert.deepEqual(silence(0, { locked: true }), { code: "room_closed" });
    assert.equal(silence(0, { locked: true, mine: moderator }), undefined);
  });
  test("muted, as the room says", () => {
    const muted = { mine: { role: "member", muted_until: until } } as const;
    assert.deepEqual(silence(59_999, muted), { code: "muted", until: 60_000 });
    assert.equal(silence(60_000, muted), undefined);
  });

  for (const code of ["muted", "slow_mode"] as const) {
    test(`${code}, as a refusal says`, () => {
      const err: ServerFrame = { t: "err", cid: "c", code, message: "", retry_after: 5 };
      assert.deepEqual(silence(4_999, {}, err), { code, until: 5_000 });
      assert.equal(silence(5_000, {}, err), undefined);
    });
  }

  test("slow mode begins with my own message, not with another's", () => {
    const ack: ServerFrame = { t: "ack", cid: "c", room: "r", seq: 3, id: "m3", ts: "" };
    assert.deepEqual(silence(1, { slow: 30 }, ack), { code: "slow_mode", until: 30_000 });
    assert.equal(silence(1, { slow: 30, mine: moderator }, ack), undefined);
    assert.equal(silence(1, { slow: 30 }, { ...ack, cid: "other" }), undefined);
  });
});

describe("me among those who reacted", () => {
  const crowd = (n: number, ...who: string[]): Partial<Message> => ({ reactions: { "👍": { n, who } } });
  const reacted = (...frames: ServerFrame[]) => {
    const state = after([welcome(), ...frames]);
    return hasReacted(linesOf(state, state.rooms.r as Room)[0] as Message, "👍", "vic");
  };
  const mine = joined(2, [line(1, crowd(30, "vic", "ben")), line(2)]);

  test("a frame for everyone that leaves me out of a crowd does not take me away", () => {
    assert.equal(reacted(mine, upd(3, 1, crowd(31, "ben"))), true);
  });
  test("one that names everybody does", () => assert.equal(reacted(mine, upd(3, 1, crowd(1, "ben"))), false));
  test("what was never mine does not become mine", () => {
    assert.equal(reacted(joined(2, [line(1, crowd(30, "ben")), line(2)]), upd(3, 1, crowd(31, "ben"))), false);
  });

  for (const on of [true, false]) {
    test(`the acknowledgement counts where the frame is silent: ${on ? "put there" : "taken away"}`, () => {
      const known = after([welcome(), joined(2, [line(1, crowd(30, ...(on ? ["ben"] : ["vic", "ben"]))), line(2)])]);
      const wish = { what: "react", emoji: "👍", on } as const;
      const pending = { cid: "c", room: "r", message: "m1", wish, at: 0, state: "waiting" } as const;
      const ack: ServerFrame = { t: "ack", cid: "c", room: "r", seq: 3, id: "m1", ts: "" };
      const done = after([upd(3, 1, crowd(on ? 31 : 29, "ben")), ack], reduce(known, { type: "wrote", pending }));
      const [shown] = linesOf(done, done.rooms.r as Room);
      assert.deepEqual([hasReacted(shown as Message, "👍", "vic"), shown?.reactions["👍"]?.n], [on, on ? 31 : 29]);
      assert.deepEqual(done.pending, []);
    });
  }
});

test("a late acknowledgement does not undo what I did after it", () => {
  const wish = (on: boolean, cid: string) =>
    ({ cid, room: "r", message: "m1", wish: { what: "react", emoji: "👍", on }, at: 0, state: "waiting" }) as const;
  const ack = (cid: string, seq: number): ServerFrame => ({ t: "ack", cid, room: "r", seq, id: "m1", ts: "" });
  const wrote = [wish(false, "off"), wish(true, "on")].reduce(
    (state, pending) => reduce(state, { type: "wrote", pending }),
    after([welcome(), joined(2, [line(1, { reactions: { "👍": { n: 1, who: ["vic"] } } }), line(2)])]),
  );
  const back = upd(4, 1, { reactions: { "👍": { n: 1, who: ["vic"] } } });
  const done = after([upd(3, 1), back, ack("on", 4), ack("off", 3)], wrote);
  assert.deepEqual(done.rooms.r?.messages[0]?.reactions, { "👍": { n: 1, who: ["vic"] } });
  assert.deepEqual(done.pending, []);
});

test("the lines stay the same array until something in them changes", () => {
  const state = after([welcome(), start]);
  const room = state.rooms.r as Room;
  assert.equal(linesOf(state, room), linesOf(after([notice("a")], state), room));
  const pending = { cid: "c", room: "r", message: "m1", wish: { what: "delete" }, at: 0, state: "waiting" } as const;
  const next = reduce(state, { type: "wrote", pending });
  assert.notEqual(linesOf(next, next.rooms.r as Room), linesOf(state, room));
});

test("what an agent says of themselves shows at once and outlives the line", () => {
  const me = { ...BEN, role: "agent" };
  const busy = reduce(after([welcome([], { me })]), { type: "mood", mood: "busy" });
  assert.equal(busy.presence.ben, "busy");
  assert.equal(reduce(busy, { type: "lost" }).mood, "busy");
});

test("what an agent says of themselves is unsaid until the server tells it of them, and of nobody else", () => {
  const told = (who: { id: string }): ServerFrame => ({ t: "presence", who: { ...BEN, ...who }, state: "busy" });
  const here = after([welcome([], { me: BEN })]);
  const said = reduce(here, { type: "mood", mood: "busy" });
  assert.deepEqual([here.isUnsaid, said.isUnsaid], [false, true]);
  assert.equal(after([told({ id: "ann" }), { t: "presence", agents: 2 }], said).isUnsaid, true);
  assert.equal(after([told(BEN)], said).isUnsaid, false);
});

test("what an agent said on another tab holds on this one, and that they left there does not", () => {
  const team = (who: typeof BEN, state: "away" | "offline"): ServerFrame => ({ t: "presence", who, state });
  const here = after([welcome([], { me: BEN }), team(BEN, "away")]);
  assert.equal(here.mood, "away");
  assert.equal(after([team(BEN, "offline")], here).mood, "away");
});
