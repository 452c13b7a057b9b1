import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { createEmitter } from "../src/core/emitter.ts";
import type { Host } from "../src/panel/host.ts";
import { createSessions } from "../src/panel/session.ts";
import type { ToPanel } from "../src/port.ts";

const PAGE = { url: "https://shop.example/", title: "Shop", referrer: "" };

/** The page around the panels: one store for all tabs, as the loaders of one origin have. */
function pageOf(store: { handle?: string }, answers = true): Host {
  const said = createEmitter<{ message: ToPanel }>();
  return {
    origin: "https://shop.example",
    hello: { porchlight: 1, page: PAGE, shown: true, dir: "ltr" },
    listen: (fn) => said.on("message", fn),
    tell(message) {
      if (message.t === "handle") store.handle = message.handle;
      if (message.t === "recall" && answers)
        queueMicrotask(() => said.emit("message", { t: "handle", handle: store.handle }));
    },
  };
}

/** A server that turns handles: the current one and the one before it count, any other brings a new visitor. */
function turning() {
  const holders: { old: string; now: string }[] = [];
  let made = 0;
  return async (_address: unknown, init?: RequestInit) => {
    const { handle } = JSON.parse(String(init?.body)) as { handle?: string };
    const known = holders.find(({ old, now }) => handle !== undefined && (handle === old || handle === now));
    const holder = known ?? { old: "", now: "" };
    if (!known) holders.push(holder);
    if (handle !== holder.old || !known) Object.assign(holder, { old: holder.now, now: `handle ${++made}` });
    const token = `visitor ${holders.indexOf(holder)}`;
    return Response.json({ token, expires_in: 900, socket: "ws://widget.example/", handle: holder.now });
  };
}

describe("sessions where no cookie is kept", () => {
  beforeEach(() => void mock.method(globalThis, "fetch", turning()));
  afterEach(() => mock.restoreAll());

  test("a tab that slept through several turns of the handle is still the same visitor", async () => {
    const store = {};
    const asleep = createSessions("/session", pageOf(store), "en").ask;
    const awake = createSessions("/session", pageOf(store), "en").ask;
    await asleep();
    for (let turn = 0; turn < 3; turn++) await awake();
    assert.equal((await asleep()).token, "visitor 0");
    assert.equal((await awake()).token, "visitor 0");
  });

  test("a page that may store nothing keeps its visitor for its own life", async () => {
    const forgetful = pageOf({});
    const kept = createSessions(
      "/session",
      { ...forgetful, tell: (m) => m.t === "recall" && forgetful.tell(m) },
      "en",
    ).ask;
    await kept();
    await kept();
    assert.equal((await kept()).token, "visitor 0");
  });

  test("a page that does not answer is not waited for forever", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const found = createSessions("/session", pageOf({}, false), "en").ask();
    t.mock.timers.tick(1_000);
    assert.equal((await found).token, "visitor 0");
  });
});
