import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { createEmitter } from "../src/core/emitter.ts";
import { Refused } from "../src/core/socket.ts";
import type { Host } from "../src/panel/host.ts";
import { createSessions } from "../src/panel/session.ts";
import type { Hello, ToPanel } from "../src/port.ts";

const PAGE = { url: "https://shop.example/", title: "Shop", referrer: "" };

/** The page around the panels: one store for all tabs, as the loaders of one origin have. */
function pageOf(store: { handle?: string }, answers = true, extra: Partial<Hello> = {}): Host {
  const said = createEmitter<{ message: ToPanel }>();
  return {
    origin: "https://shop.example",
    hello: { porchlight: 1, page: PAGE, shown: true, dir: "ltr", ...extra },
    listen: (fn) => said.on("message", fn),
    tell(message) {
      if (message.t === "handle") store.handle = message.handle;
      if (message.t === "recall" && answers)
        queueMicrotask(() => said.emit("message", { t: "handle", handle: store.handle }));
    },
  };
}

const sessionsOf = (host: Host, onOther = () => {}) => createSessions("/session", host, "en", onOther);

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
    const visitor = { id: token, identified: false };
    return Response.json({ token, expires_in: 900, socket: "ws://widget.example/", handle: holder.now, visitor });
  };
}

describe("sessions where no cookie is kept", () => {
  beforeEach(() => void mock.method(globalThis, "fetch", turning()));
  afterEach(() => mock.restoreAll());

  test("a tab that slept through several turns of the handle is still the same visitor", async () => {
    const store = {};
    const asleep = sessionsOf(pageOf(store)).ask;
    const awake = sessionsOf(pageOf(store)).ask;
    await asleep();
    for (let turn = 0; turn < 3; turn++) await awake();
    assert.equal((await asleep()).token, "visitor 0");
    assert.equal((await awake()).token, "visitor 0");
  });

  test("a page that may store nothing keeps its visitor for its own life", async () => {
    const forgetful = pageOf({});
    const kept = sessionsOf({
      ...forgetful,
      tell: (m) => m.t === "recall" && forgetful.tell(m),
    }).ask;
    await kept();
    await kept();
    assert.equal((await kept()).token, "visitor 0");
  });

  test("a page that does not answer is not waited for forever", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const found = sessionsOf(pageOf({}, false)).ask();
    t.mock.timers.tick(5_000);
    assert.equal((await found).token, "visitor 0");
  });
});

describe("a session that is asked for", () => {
  afterEach(() => mock.restoreAll());

  /** Answers one after the other, and keeps what was asked; the last answer stays. */
  function serve(...answers: readonly (readonly [status: number, body: object])[]) {
    const asked: Record<string, unknown>[] = [];
    mock.method(globalThis, "fetch", async (_address: unknown, init?: RequestInit) => {
      const [status, body] = answers[Math.min(asked.length, answers.length - 1)] ?? [500, {}];
      asked.push(JSON.parse(String(init?.body)));
      return Response.json(body, { status });
    });
    return asked;
  }

  const good = (visitor = "vic") =>
    [200, { token: "t", expires_in: 900, socket: "ws://w/", visitor: { id: visitor, identified: false } }] as const;
  const refused = (status: number, field?: string) => [status, { error: { code: "x", field } }] as const;

  /** A page that names its visitor: each time with the next of these, null where nobody is signed in; then it is silent. */
  function naming(identity: true | null, ...said: (string | null)[]): Host {
    const heard = createEmitter<{ message: ToPanel }>();
    const hello: Hello = { porchlight: 1, page: PAGE, shown: true, dir: "ltr", identity };
    const next = () => said.length > 0 && heard.emit("message", { t: "handle", handle: "h", identity: said.shift() });
    return {
      origin: "https://shop.example",
      hello,
      listen: (fn) => heard.on("message", fn),
      tell: (message) => message.t === "recall" && queueMicrotask(next),
    };
  }

  const ask = (host: Host) => sessionsOf(host).ask();
  const stoppedWith = (code: number) => (error: unknown) => error instanceof Refused && error.code === code;

  test("carries what the server takes, however long the page's address and title are", async () => {
    const asked = serve(good());
    const page = {
      url: `https://shop.example/${"x".repeat(3_000)}`,
      title: `${"y".repeat(299)}\ud83d\ude00`,
      referrer: "",
    };
    await ask(pageOf({}, true, { page }));
    const told = asked[0]?.page as typeof page;
    assert.deepEqual([told.url.length, told.title], [2_000, "y".repeat(299)]);
  });

  test("keeps the code of an invitation to itself, and what else stands behind # but a route", async () => {
    const asked = serve(good());
    const at = async (url: string) => {
      await ask(pageOf({}, true, { page: { ...PAGE, url } }));
      const { page } = asked.at(-1) as { page: typeof PAGE };
      return page.url;
    };
    assert.equal(await at("https://shop.example/a?b#porchlight=SECRET"), "https://shop.example/a?b");
    assert.equal(await at("https://shop.example/#access_token=SECRET"), "https://shop.example/");
    assert.equal(await at("https://shop.example/#/cart#porchlight=SECRET"), "https://shop.example/#/cart");
    assert.equal(await at("https://shop.example/#!/cart"), "https://shop.example/#!/cart");
  });

  test("what the server does not understand of the page does not shut the visitor out", async () => {
    const asked = serve(refused(400), good());
    assert.equal((await ask(pageOf({ handle: "h" }))).token, "t");
    assert.deepEqual(Object.keys(asked[1] ?? {}), ["parent", "handle"]);
  });

  test("a panel that is not understood at all is out of date", async () => {
    serve(refused(400));
    await assert.rejects(ask(pageOf({})), stoppedWith(4400));
  });

  test("shows the page's identity, a fresh one each time", async () => {
    const asked = serve(good());
    const sessions = sessionsOf(naming(true, "jwt 1", "jwt 2"));
    await sessions.ask();
    await sessions.ask();
    assert.deepEqual(
      asked.map((one) => [one.identity, one.signed_out]),
      [
        ["jwt 1", undefined],
        ["jwt 2", undefined],
      ],
    );
  });

  test("says that nobody is signed in, where the page says so", async () => {
    const asked = serve(good());
    await ask(naming(true, null));
    await ask(naming(null, null));
    await ask(pageOf({ handle: "h" }));
    assert.deepEqual(
      asked.map((one) => [one.identity, one.signed_out]),
      [
        [undefined, true],
        [undefined, true],
        [undefined, undefined],
      ],
    );
  });

  test("lets nobody in while a page that names its visitor cannot say", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const asked = serve(good());
    const late = ask(naming(true));
    t.mock.timers.tick(8_000);
    await assert.rejects(late, (error) => !(error instanceof Refused));
    assert.equal(asked.length, 0);
  });

  test("two who ask at once get the same: an identity is good once", async () => {
    const asked = serve(good());
    const sessions = sessionsOf(naming(true, "jwt 1", "jwt 2"));
    const [one, two] = await Promise.all([sessions.ask(), sessions.ask()]);
    assert.equal(one, two);
    assert.equal(asked.length, 1);
  });

  test("a site for its users only, and an identity that does not count, have words of their own", async () => {
    serve(refused(403, "identity"));
    await assert.rejects(ask(pageOf({})), stoppedWith(4411));
    await assert.rejects(ask(naming(true, "jwt")), stoppedWith(4412));
    serve(refused(403, "parent"));
    await assert.rejects(ask(pageOf({})), stoppedWith(4403));
    serve(refused(403));
    await assert.rejects(ask(pageOf({})), stoppedWith(4410));
  });

  test("tells of somebody else in the same browser", async () => {
    let told = 0;
    serve(good("vic"), good("vic"), good("val"));
    const sessions = sessionsOf(pageOf({}), () => void told++);
    for (const count of [0, 0, 1]) {
      await sessions.ask();
      assert.equal(told, count);
    }
    assert.equal(sessions.visitor()?.id, "val");
  });

  test("is on its way until it is answered", async () => {
    serve(good());
    const sessions = sessionsOf(pageOf({}));
    assert.equal(sessions.running(), undefined);
    const asked = sessions.ask();
    assert.equal(sessions.running(), asked);
    await asked;
    assert.equal(sessions.running(), undefined);
  });
});
