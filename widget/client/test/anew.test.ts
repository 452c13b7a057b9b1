import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { createEmitter } from "../src/core/emitter.ts";
import { beginAnew, resume, turn } from "../src/panel/anew.ts";
import type { Host } from "../src/panel/host.ts";
import type { Drafts, Model } from "../src/panel/model.ts";
import type { Sessions, Visitor } from "../src/panel/session.ts";

const STRANGER: Visitor = { id: "stranger", identified: false };
const ADA: Visitor = { id: "ada", identified: true };
const BEN: Visitor = { id: "ben", identified: true };

/** The frame's own history and address: what a reload of it finds. */
const frame = { state: null as unknown, loads: 0 };
Object.assign(globalThis, {
  history: {
    get state() {
      return frame.state;
    },
    replaceState: (state: unknown) => Object.assign(frame, { state: structuredClone(state) }),
  },
  location: { reload: () => frame.loads++ },
});

/** A panel of this visitor, as far as it matters here. `shown` are the rooms that it was told to show, `calls` what its client was. */
function panel(visitor: Visitor | undefined, drafts: Drafts = {}, room: { id: string; kind: string } | null = null) {
  const events = createEmitter<{ welcome: undefined }>();
  const shown: (string | null)[] = [];
  const calls: string[] = [];
  const who = { visitor };
  const model = {
    client: {
      on: (name: "welcome", fn: () => void) => events.on(name, fn),
      reconnect: () => calls.push("reconnect"),
    },
    who: () => who.visitor,
    room: () => room && { id: room.id, summary: { kind: room.kind } },
    drafts,
    show: (id: string | null) => shown.push(id),
  } as unknown as Model;
  const welcome = (next: Visitor) => {
    who.visitor = next;
    events.emit("welcome", undefined);
  };
  return { model, drafts, shown, calls, welcome };
}

/** What the panel of `after` has in its composer, where that of `before` began anew as the page said `named`, or by itself. */
function passed(before: Visitor | undefined, after: Visitor, named?: true): Drafts {
  beginAnew(panel(before, { "": "half a thought" }).model, named);
  const next = panel(undefined);
  resume(next.model);
  assert.deepEqual(next.drafts, {}, "nothing is shown before it is known who is here");
  next.welcome(after);
  return next.drafts;
}

beforeEach(() => void Object.assign(frame, { state: null, loads: 0 }));

describe("what was begun when the panel begins anew", () => {
  test("stays with whoever began it", () => {
    for (const who of [STRANGER, ADA]) assert.deepEqual(passed(who, who), { "": "half a thought" });
    assert.equal(frame.loads, 2);
  });

  test("goes to the user whom a stranger turned out to be, as this page said", () => {
    assert.deepEqual(passed(STRANGER, ADA, true), { "": "half a thought" });
  });

  test("goes to no user of whom this page did not say so: another tab's may have followed on somebody", () => {
    assert.deepEqual(passed(STRANGER, ADA), {});
    assert.deepEqual(passed(STRANGER, { ...STRANGER, identified: true }), { "": "half a thought" });
  });

  test("is nobody else's", () => {
    assert.deepEqual(passed(ADA, BEN, true), {});
    assert.deepEqual(passed(ADA, STRANGER, true), {});
    assert.deepEqual(passed(STRANGER, { ...STRANGER, id: "another" }, true), {});
  });

  test("is forgotten where it was not taken", () => {
    passed(ADA, BEN);
    const next = panel(undefined);
    resume(next.model);
    next.welcome(ADA);
    assert.deepEqual(next.drafts, {});
  });

  test("waits in the room in which it was begun, which is shown again", () => {
    beginAnew(
      panel(STRANGER, { lamps: "for everybody", "": "for the team" }, { id: "lamps", kind: "community" }).model,
      true,
    );
    const next = panel(undefined);
    resume(next.model);
    next.welcome(ADA);
    assert.deepEqual([next.drafts, next.shown], [{ lamps: "for everybody", "": "for the team" }, ["lamps"]]);
  });

  test("names no room of the visitor's own: another person has another one, and the page may have shown one of its own", () => {
    beginAnew(panel(STRANGER, { "": "for the team" }, { id: "mine", kind: "support" }).model, true);
    const next = panel(ADA);
    resume(next.model);
    assert.deepEqual([next.drafts, next.shown], [{ "": "for the team" }, []]);
  });

  test("goes before nothing that was written since", () => {
    beginAnew(panel(STRANGER, { "": "before" }).model);
    const next = panel(undefined, { "": "since" });
    resume(next.model);
    next.welcome(STRANGER);
    assert.deepEqual(next.drafts, { "": "since" });
  });

  test("survives a panel that ends before anybody is let in", () => {
    beginAnew(panel(STRANGER, { "": "half a thought" }).model, true);
    beginAnew(panel(undefined).model);
    beginAnew(panel(ADA).model); // before it was given back
    const next = panel(ADA);
    resume(next.model);
    assert.deepEqual(next.drafts, { "": "half a thought" });
  });
});

describe("a page that says who is here", () => {
  interface Saying {
    /** What the page said before the panel was there. */
    readonly hello?: true | null;
    /** What its function answers. */
    readonly answer?: string;
    /** The exchange that is on its way, and who is here after it. */
    readonly running?: Promise<Visitor>;
    readonly times?: number;
  }

  /** The panel of this visitor, and what becomes of it when the page says `named`. */
  async function said(named: true | null, visitor: Visitor | undefined, saying: Saying = {}) {
    let asked = 0;
    let running: Promise<unknown> | undefined = saying.running?.then(
      (found) => {
        here.welcome(found);
        running = undefined;
      },
      (error) => {
        running = undefined;
        throw error;
      },
    );
    const here = panel(visitor, { "": "half a thought" });
    const sessions = {
      visitor: here.model.who,
      running: () => running,
      async introduced() {
        asked++;
        return { identity: saying.answer ?? null };
      },
    } as unknown as Sessions;
    const host = { hello: { identity: saying.hello } } as unknown as Host;
    const turns = Array.from({ length: saying.times ?? 1 }, () => turn(named, host, sessions, here.model));
    await Promise.all(turns);
    return { loads: frame.loads, asked, calls: here.calls, isKept: frame.state !== null };
  }

  const nothing = { loads: 0, asked: 0, calls: [], isKept: false };

  test("for the first time: the panel begins anew, with what a stranger began", async () => {
    assert.deepEqual(await said(true, STRANGER), { ...nothing, loads: 1, isKept: true });
  });

  test("for the first time, while it is being found out: what is begun is somebody's by then", async () => {
    const running = Promise.resolve(STRANGER);
    assert.deepEqual(await said(true, undefined, { running }), { ...nothing, loads: 1, isKept: true });
  });

  test("that its user has signed out: nothing of theirs is left", async () => {
    assert.deepEqual(await said(null, ADA, { hello: true }), { ...nothing, loads: 1 });
  });

  test("that nobody is signed in, of a stranger: what they began goes along", async () => {
    assert.deepEqual(await said(null, STRANGER), { ...nothing, loads: 1, isKept: true });
  });

  test("what it said before: nothing happens", async () => {
    assert.deepEqual(await said(true, ADA, { hello: true, answer: "jwt" }), nothing);
    assert.deepEqual(await said(null, STRANGER, { hello: null }), nothing);
  });

  test("what it said before, while its user is being let in: nothing happens", async () => {
    const running = Promise.resolve(ADA);
    assert.deepEqual(await said(true, undefined, { hello: true, answer: "jwt", running, times: 3 }), nothing);
  });

  test("once more, of a stranger who may have signed in since: it is asked, and believed", async () => {
    assert.deepEqual(await said(true, STRANGER, { hello: true }), { ...nothing, asked: 1 });
    const signedIn = await said(true, STRANGER, { hello: true, answer: "of a stranger" });
    assert.deepEqual(signedIn, { loads: 1, asked: 1, calls: [], isKept: true });
  });

  test("once more, where nobody was let in: each answer is tried once, and nothing begins anew for it", async () => {
    const running = Promise.reject(new Error("403"));
    const first = await said(true, undefined, { hello: true, answer: "jwt 1", running, times: 2 });
    assert.deepEqual(first, { ...nothing, asked: 2, calls: ["reconnect"] });
    assert.deepEqual((await said(true, undefined, { hello: true, answer: "jwt 1" })).calls, []);
    assert.deepEqual((await said(true, undefined, { hello: true, answer: "jwt 2" })).calls, ["reconnect"]);
    assert.equal(frame.loads, 0);
  });
});
