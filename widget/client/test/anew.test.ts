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

/** A panel of this visitor, as far as it matters here. `joins` are the rooms that it has shown. */
function panel(visitor: Visitor | undefined, drafts: Drafts = {}, room: { id: string; kind: string } | null = null) {
  const events = createEmitter<{ welcome: undefined }>();
  const shown: (string | null)[] = [];
  const who = { visitor };
  const model = {
    client: { on: (name: "welcome", fn: () => void) => events.on(name, fn) },
    who: () => who.visitor,
    room: () => room && { id: room.id, summary: { kind: room.kind } },
    drafts,
    show: (id: string | null) => shown.push(id),
  } as unknown as Model;
  const welcome = (next: Visitor) => {
    who.visitor = next;
    events.emit("welcome", undefined);
  };
  return { model, drafts, shown, welcome };
}

/** What the panel of `after` has in its composer, where that of `before` began anew. */
function passed(before: Visitor | undefined, after: Visitor, drafts: Drafts = { "": "half a thought" }): Drafts {
  beginAnew(panel(before, drafts).model);
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

  test("goes to the user whom a stranger turned out to be", () => {
    assert.deepEqual(passed(STRANGER, ADA), { "": "half a thought" });
  });

  test("is nobody else's", () => {
    assert.deepEqual(passed(ADA, BEN), {});
    assert.deepEqual(passed(ADA, STRANGER), {});
    assert.deepEqual(passed(STRANGER, { ...STRANGER, id: "another" }), {});
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
    );
    const next = panel(undefined);
    resume(next.model);
    next.welcome(ADA);
    assert.deepEqual([next.drafts, next.shown], [{ lamps: "for everybody", "": "for the team" }, ["lamps"]]);
  });

  test("does not name a room of the visitor's own: another person has another one", () => {
    beginAnew(panel(STRANGER, { "": "for the team" }, { id: "mine", kind: "support" }).model);
    const next = panel(ADA);
    resume(next.model);
    assert.deepEqual([next.drafts, next.shown], [{ "": "for the team" }, [null]]);
  });

  test("goes before nothing that was written since", () => {
    beginAnew(panel(STRANGER, { "": "before" }).model);
    const next = panel(undefined, { "": "since" });
    resume(next.model);
    next.welcome(STRANGER);
    assert.deepEqual(next.drafts, { "": "since" });
  });

  test("survives a panel that ends before anybody is let in", () => {
    beginAnew(panel(STRANGER, { "": "half a thought" }).model);
    beginAnew(panel(undefined).model);
    beginAnew(panel(ADA).model); // before it was given back
    const next = panel(ADA);
    resume(next.model);
    assert.deepEqual(next.drafts, { "": "half a thought" });
  });
});

describe("a page that says who is here", () => {
  /** The panel of this visitor on a page that said `identity` of them, and what becomes of it when the page says `named`. */
  async function said(
    named: true | null,
    visitor: Visitor | undefined,
    hello: true | null | undefined,
    answer: string | null = null,
  ) {
    const asked: number[] = [];
    const introduced = async () => {
      asked.push(1);
      return { identity: answer };
    };
    const { model } = panel(visitor, { "": "half a thought" });
    const host = { hello: { identity: hello } } as unknown as Host;
    await turn(named, host, { visitor: () => visitor, introduced } as unknown as Sessions, model);
    return { loads: frame.loads, asked: asked.length, isKept: frame.state !== null };
  }

  test("for the first time: the panel begins anew, with what a stranger began", async () => {
    assert.deepEqual(await said(true, STRANGER, undefined), { loads: 1, asked: 0, isKept: true });
  });

  test("that its user has signed out: nothing of theirs is left", async () => {
    assert.deepEqual(await said(null, ADA, true), { loads: 1, asked: 0, isKept: false });
  });

  test("that nobody is signed in, of a stranger: what they began goes along", async () => {
    assert.deepEqual(await said(null, STRANGER, undefined), { loads: 1, asked: 0, isKept: true });
  });

  test("what it said before: nothing happens", async () => {
    assert.deepEqual(await said(true, ADA, true), { loads: 0, asked: 0, isKept: false });
    assert.deepEqual(await said(null, STRANGER, null), { loads: 0, asked: 0, isKept: false });
  });

  test("once more, of a stranger who may have signed in since: it is asked, and believed", async () => {
    assert.deepEqual(await said(true, STRANGER, true), { loads: 0, asked: 1, isKept: false });
    assert.deepEqual(await said(true, STRANGER, true, "jwt"), { loads: 1, asked: 1, isKept: true });
  });

  test("once more, where nobody was let in: whoever has signed in since is", async () => {
    assert.deepEqual(await said(true, undefined, true, "jwt"), { loads: 1, asked: 1, isKept: false });
  });
});
