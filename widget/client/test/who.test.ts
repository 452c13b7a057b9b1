import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";
import { createEmitter } from "../src/core/emitter.ts";
import type { Host } from "../src/panel/host.ts";
import type { Model } from "../src/panel/model.ts";
import { createSessions, type Sessions, type Visitor } from "../src/panel/session.ts";
import { heed, leave } from "../src/panel/who.ts";
import type { ToPanel } from "../src/port.ts";

const STRANGER: Visitor = { id: "stranger", identified: false };
const ADA: Visitor = { id: "ada", identified: true };

/** The frame: what a reload of it would find in its history. */
const frame = { state: "what was begun" as unknown, loads: 0 };
Object.assign(globalThis, {
  history: { replaceState: (state: unknown) => Object.assign(frame, { state }) },
  location: { reload: () => frame.loads++ },
});

beforeEach(() => void Object.assign(frame, { state: "what was begun", loads: 0 }));

/** Code that never comes, that fails to come, and that comes. */
const stalls = () => new Promise<never>(() => {});
const fails = () => Promise.reject(new TypeError("Failed to fetch dynamically imported module"));
const turned: (true | null)[] = [];
const comes = async () => ({ turn: async (named: true | null) => void turned.push(named) }) as never;

/** What is left of a panel of this visitor once a page that said `hello` before has said these. */
async function said(
  visitor: Visitor | undefined,
  hello: true | null | undefined,
  code: () => Promise<never>,
  ...words: (true | null)[]
) {
  const heard = createEmitter<{ message: ToPanel }>();
  const host = { hello: { identity: hello }, listen: (fn: (message: ToPanel) => void) => heard.on("message", fn) };
  turned.length = 0;
  heed(host as unknown as Host, { visitor: () => visitor } as unknown as Sessions, {} as Model, code);
  for (const identity of words) heard.emit("message", { t: "who", identity });
  await new Promise(setImmediate);
  return { loads: frame.loads, left: frame.state, turned: [...turned] };
}

const left = { loads: 1, left: null, turned: [] };
const as = { loads: 0, left: "what was begun", turned: [] };

describe("a user who signs out", () => {
  test("is gone at once, whether more code comes or not", async () => {
    for (const code of [stalls, fails, comes]) {
      Object.assign(frame, { state: "what was begun", loads: 0 });
      assert.deepEqual(await said(ADA, true, code, null), left);
    }
  });

  test("is gone before anybody knows who that is, or where the page said nothing before", async () => {
    assert.deepEqual(await said(undefined, true, stalls, null), left);
    frame.loads = 0;
    assert.deepEqual(await said(ADA, undefined, stalls, null), left);
  });

  test("leaves nothing to the one who follows in the same breath", async () => {
    assert.deepEqual(await said(ADA, undefined, comes, null, true), left);
  });
});

describe("all else that a page says of who is here", () => {
  test("is looked at with more code", async () => {
    assert.deepEqual(await said(STRANGER, undefined, comes, null), { ...as, turned: [null] });
    assert.deepEqual(await said(STRANGER, undefined, comes, true), { ...as, turned: [true] });
    assert.deepEqual(await said(STRANGER, true, comes, true), { ...as, turned: [true] });
  });

  test("begins with nothing where it is new and that code does not come", async () => {
    for (const named of [true, null] as const) {
      Object.assign(frame, { state: "what was begun", loads: 0 });
      assert.deepEqual(await said(STRANGER, undefined, fails, named), left);
    }
  });

  test("changes nothing where it was said before and that code does not come", async () => {
    assert.deepEqual(await said(ADA, true, fails, true), as);
    assert.deepEqual(await said(STRANGER, null, fails, null), as);
    assert.deepEqual(await said(undefined, null, fails, null), as);
  });
});

describe("somebody else whom only the server knew of", () => {
  test("finds nothing of a stranger whose place another tab has given them", async () => {
    const answers = [STRANGER, STRANGER, ADA];
    mock.method(globalThis, "fetch", async () => Response.json({ token: "t", visitor: answers.shift() }));
    const page = { url: "https://shop.example/", title: "", referrer: "" };
    const heard = createEmitter<{ message: ToPanel }>();
    const host = {
      hello: { page },
      listen: (fn: (message: ToPanel) => void) => heard.on("message", fn),
      tell: () => queueMicrotask(() => heard.emit("message", { t: "handle", handle: "h" })),
    } as unknown as Host;
    const { ask } = createSessions("/session", host, "en", leave);
    await ask();
    await ask();
    assert.deepEqual(frame, { state: "what was begun", loads: 0 });
    await ask();
    assert.deepEqual(frame, { state: null, loads: 1 });
    mock.restoreAll();
  });
});
