import assert from "node:assert/strict";
import { afterEach, describe, mock, test } from "node:test";
import { createClient } from "../src/core/client.ts";
import type { Client } from "../src/core/client-api.ts";
import { withFallback } from "../src/core/fallback.ts";
import { addressOf } from "../src/core/polling.ts";
import type { Id } from "../src/core/protocol.ts";
import { Refused } from "../src/core/socket.ts";
import { pendingOf } from "../src/core/state.ts";
import { type FakeClock, seeded } from "./fake-clock.ts";
import { polling, walled } from "./walled.ts";
import { texts, world } from "./world.ts";

afterEach(() => mock.restoreAll());

/** From now on time passes with each thing that the client hears, not only between them. */
function slowly(client: Client, clock: FakeClock, ms: number): void {
  const now = clock.now;
  let late = 0;
  mock.method(clock, "now", () => now() + late);
  client.subscribe(() => {
    late += ms;
  });
}

describe("where sockets are refused", () => {
  test("three that never opened, then the same conversation by HTTP", async () => {
    const { client, clock, server, http, net, room } = walled();
    client.start();
    client.open("hello");
    await clock.pass(3_000);
    assert.equal(net.tries, 3);
    assert.equal(client.status().state, "online");
    assert.deepEqual(texts(room()), ["hello"]);
    server.say("good morning");
    await clock.pass(100);
    assert.deepEqual(texts(room()), ["hello", "good morning"]);
    client.send(room().id, "and to you");
    await clock.pass(500);
    assert.deepEqual(texts(room()), ["hello", "good morning", "and to you"]);
    assert.deepEqual(client.state().pending, []);
    assert.ok(http.requests.every((request) => request.token === `token-${net.tokens}`));
  });

  test("a server that is away, or a gateway before it, is no reason to go by HTTP", async () => {
    const { client, clock, server, http, net } = walled();
    server.down = true;
    client.start();
    await clock.pass(30_000);
    server.down = false;
    net.status = 502;
    await clock.pass(30_000);
    assert.ok(net.tries > 6 && net.probes === net.tries - 2, `${net.probes} looks after ${net.tries} tries`);
    net.blocked = false;
    await clock.pass(30_000);
    assert.equal(client.status().state, "online");
    assert.deepEqual([http.requests, net.tokens], [[], 1]);
  });

  test("one poll is under way at all times, and what is said goes beside it, one request after the other", async () => {
    const { client, clock, http, id, room } = await polling();
    for (let n = 0; n < 50; n += 1) client.send(id, `line ${n}`);
    await clock.pass(5_000);
    assert.deepEqual(texts(room()), ["hello", ...Array.from({ length: 50 }, (_, n) => `line ${n}`)]);
    assert.deepEqual(http.most, { events: 1, frames: 1 });
    assert.equal(http.under.events, 1);
    const sizes = http.requests.map((request) => request.body.frames?.length ?? 0);
    assert.equal(Math.max(...sizes), 20);
  });

  test("a quiet hour stays one line", async () => {
    const { client, clock, http, net, server } = await polling();
    const before = server.dials();
    await clock.pass(3_600_000);
    assert.equal(client.status().state, "online");
    const polls = http.requests.filter((request) => request.act === "events").length;
    assert.ok(polls > 120 && polls < 160, `${polls} polls`);
    assert.ok(net.tokens > 4 && http.requests.at(-1)?.token === `token-${net.tokens}`, "renewed on the way");
    assert.ok(net.tries - 3 >= 4 && net.tries - 3 <= 8, `${net.tries - 3} looks for a socket`);
    assert.ok(server.dials() > before);
  });

  test("what got no answer goes again before what follows, and is stored once", async () => {
    const { client, clock, http, id, room, server } = await polling();
    http.mute = 1;
    client.send(id, "one");
    client.send(id, "two");
    await clock.pass(15_000);
    assert.deepEqual(texts(room()), ["hello", "one", "two"]);
    assert.deepEqual([client.state().pending, server.room()?.head], [[], 3]);
  });

  test("what was refused for a time is not overtaken by what waits for the next request", async () => {
    const { client, clock, id, room, server } = await polling();
    server.refuse = 1;
    client.send(id, "one");
    await clock.pass(1);
    client.send(id, "two");
    await clock.pass(500);
    assert.deepEqual(texts(room()), ["hello"]);
    await clock.pass(5_000);
    assert.deepEqual(texts(room()), ["hello", "one", "two"]);
  });

  test("what becomes ready while others are given back does not go before them", async () => {
    const { client, clock, http, id, room } = await polling();
    const refused = (...waits: (readonly [Id, number])[]) =>
      Response.json({ frames: waits.map(([cid, retry_after]) => ({ t: "err", cid, code: "busy", retry_after })) });
    const answers: Promise<Response>[] = [];
    mock.method(
      globalThis,
      "fetch",
      (url: string, init: RequestInit) =>
        (url.endsWith("/frames") ? answers.shift() : undefined) ?? http.fetch(url, init),
    );
    client.send(id, "zero");
    await clock.pass(0);
    const [one, two] = [client.send(id, "one"), client.send(id, "two")];
    answers.push(Promise.resolve(refused([one, 1], [two, 2])));
    await clock.pass(10);
    const ready = client.state().pending.find(({ cid }) => cid === two)?.until ?? 0;
    clock.after(ready - 80 - clock.now(), () => slowly(client, clock, 50));
    answers.push(new Promise((done) => clock.after(ready - 80 - clock.now(), () => done(refused([first as Id, 1])))));
    const [first] = ["a", "b"].map((message) => client.react(id, message, "+", true)); // the second waits for the next request
    await clock.pass(10_000);
    assert.deepEqual(texts(room()), ["hello", "zero", "one", "two"]);
  });

  test("a room joined later is named by a new poll at once", async () => {
    const { client, clock, http, id, room, server } = await polling();
    client.leave(id);
    await clock.pass(500);
    assert.deepEqual(http.requests.findLast((request) => request.act === "events")?.body.rooms, []);
    client.join(id);
    await clock.pass(500);
    server.say("welcome back");
    await clock.pass(300);
    assert.deepEqual(texts(room()), ["hello", "welcome back"]);
  });

  test("a request that ends badly ends the line, and the next one brings everything", async () => {
    const { client, clock, http, id, room, server } = await polling();
    server.close(1006);
    server.down = true;
    client.send(id, "into the tunnel");
    await clock.pass(5_000);
    assert.notEqual(client.status().state, "online");
    server.down = false;
    await clock.pass(30_000);
    assert.deepEqual(texts(room()), ["hello", "into the tunnel"]);
    assert.ok(http.most.frames === 1);
  });
});

describe("what a server says by HTTP", () => {
  const refusal = (status: number, error: object | null, headers = {}) =>
    new Response(error ? JSON.stringify({ error }) : "<h1>No</h1>", { status, headers });

  test("come back after: not earlier", async () => {
    const { client, clock, http } = await polling();
    const before = http.requests.length;
    http.refusals = [refusal(503, { code: "busy", close: 1012, retry_after: 7 })];
    client.page({ url: "https://shop.example/", title: "", referrer: "" });
    await clock.pass(6_900);
    assert.equal(http.requests.length, before + 1);
    await clock.pass(500);
    assert.equal(client.status().state, "online");
  });

  test("a plain Retry-After of something in between counts too", async () => {
    const { client, clock, http } = await polling();
    http.refusals = [refusal(503, null, { "Retry-After": "9" })];
    client.page({ url: "https://shop.example/", title: "", referrer: "" });
    await clock.pass(8_900);
    assert.equal(client.status().state, "waiting");
    await clock.pass(500);
    assert.equal(client.status().state, "online");
  });

  for (const [status, code] of [
    [426, 4426],
    [404, 4404],
    [401, 4401],
    [403, 4410],
  ] as const) {
    test(`${code} stops, and says why`, async () => {
      const { client, clock, http } = await polling();
      http.refusals = [refusal(status, { code: "x", close: code })];
      client.page({ url: "https://shop.example/", title: "", referrer: "" });
      await clock.pass(120_000);
      assert.deepEqual(client.status(), { state: "stopped", code });
    });
  }

  test("a token that has run out is replaced", async () => {
    const { client, clock, http, net } = await polling();
    const before = net.tokens;
    http.refusals = [refusal(401, { code: "token_expired", close: 4001 })];
    client.page({ url: "https://shop.example/", title: "", referrer: "" });
    await clock.pass(3_000);
    assert.deepEqual([client.status().state, net.tokens], ["online", before + 1]);
    assert.equal(http.requests.at(-1)?.token, `token-${before + 1}`);
  });

  test("a page of somebody else's is no answer, and no reason to stop", async () => {
    const { client, clock, http } = await polling();
    http.refusals = [refusal(403, null), new Response("<h1>Sign in to the hotel</h1>")];
    client.page({ url: "https://shop.example/", title: "", referrer: "" });
    await clock.pass(60_000);
    assert.equal(client.status().state, "online");
  });

  test("bye: after its time, and with nothing lost", async () => {
    const { client, clock, server, id, room } = await polling();
    server.tell({ t: "bye", code: 1012, after: 4_000 });
    await clock.pass(50);
    assert.equal(client.status().state, "waiting");
    client.send(id, "meanwhile");
    await clock.pass(5_000);
    assert.deepEqual(texts(room()), ["hello", "meanwhile"]);
  });

  test("silence ends the line", async () => {
    const { client, clock, server } = await polling();
    server.dead = true;
    await clock.pass(70_000);
    assert.notEqual(client.status().state, "online");
  });
});

describe("back to a socket", () => {
  test("a minute later, if one opens, without a word to anybody", async () => {
    const { client, clock, http, net, id, room } = await polling();
    net.blocked = false;
    await clock.pass(50_000);
    const said: string[] = [];
    client.subscribe(() => said.push(client.status().state));
    await clock.pass(20_000);
    assert.deepEqual(new Set(said), new Set(["online", "waiting", "connecting"]));
    assert.equal(client.status().state, "online");
    const polls = http.requests.length;
    client.send(id, "by socket");
    await clock.pass(60_000);
    assert.equal(http.requests.length, polls);
    assert.deepEqual(texts(room()), ["hello", "by socket"]);
  });

  test("at once when the line may have changed", async () => {
    const { clock, http, net, server } = await polling();
    net.blocked = false;
    server.signal("wake");
    await clock.pass(500);
    const polls = http.requests.length;
    await clock.pass(60_000);
    assert.equal(http.requests.length, polls);
  });

  test("a server that was away is no reason to poll for long", async () => {
    const { client, clock, http, net, server } = walled();
    net.blocked = false;
    server.down = true;
    client.start();
    await clock.pass(20_000);
    server.down = false;
    await clock.pass(45_000);
    const polls = http.requests.length;
    await clock.pass(120_000);
    assert.deepEqual([client.status().state, http.requests.length], ["online", polls]);
  });

  test("one that opens sometimes is never given up for good", async () => {
    const { client, clock, net, http } = await polling();
    for (let n = 0; n < 6; n += 1) {
      net.blocked = !net.blocked;
      await clock.pass(1_000_000);
    }
    net.blocked = false;
    await clock.pass(1_200_000);
    const polls = http.requests.length;
    await clock.pass(120_000);
    assert.deepEqual([client.status().state, http.requests.length], ["online", polls]);
  });
});

test("a socket that was heard is no failure, however often it ends", async () => {
  const { client, clock, http, net, server } = walled();
  net.blocked = false;
  client.start();
  for (let n = 0; n < 6; n += 1) {
    await clock.pass(20_000);
    server.close(1006);
  }
  await clock.pass(20_000);
  assert.deepEqual([client.status().state, http.requests.length], ["online", 0]);
});

test("a session that is refused stops before any request", async () => {
  const { clock, server } = world();
  const client = createClient({
    getSession: async () => {
      throw new Refused(4404);
    },
    connect: withFallback(server.connect, clock, server.surroundings),
    surroundings: server.surroundings,
    clock,
  });
  client.start();
  await clock.pass(10);
  assert.deepEqual(client.status(), { state: "stopped", code: 4404 });
});

describe("addresses", () => {
  const cases = [
    ["wss://chat.example/ws/w/pk_1/", "https://chat.example/w/pk_1/"],
    ["ws://widget.localhost:8000/ws/w/pk_1/", "http://widget.localhost:8000/w/pk_1/"],
    ["wss://acme.chat.example/ws/agent/", "https://acme.chat.example/api/v1/"],
  ] as const;
  for (const [socket, frames] of cases) test(socket, () => assert.equal(addressOf(socket), frames));
});

describe("by HTTP too nothing is lost, nothing is doubled, everything is in order", () => {
  for (const seed of [1, 2, 3, 4]) {
    test(`seed ${seed}`, async () => {
      const here = await polling(seeded(seed));
      const { client, clock, server, id, room, net } = here;
      Object.assign(server.faults, { kill: 0.01, muteAck: 0.2, muteLine: 0.05, jitter: 40 });
      for (let step = 0; step < 80; step += 1) {
        client.send(id, `visitor ${step}`);
        if (step % 2 === 0) server.say(`agent ${step}`);
        if (step % 20 === 10) net.blocked = !net.blocked;
        if (step % 20 === 15) server.signal("wake");
        await clock.pass(Math.floor(clock.random() * 400));
      }
      Object.assign(server.faults, { kill: 0, muteAck: 0, muteLine: 0, jitter: 0 });
      await clock.pass(120_000);
      server.ping();
      await clock.pass(30_000);
      while (room().more) {
        client.older(id);
        await clock.pass(500);
      }
      const stored = server.room()?.log.map((message) => message.text) ?? [];
      assert.deepEqual(
        stored.filter((text) => text.startsWith("visitor")),
        Array.from({ length: 80 }, (_, step) => `visitor ${step}`),
      );
      assert.deepEqual(texts(room()), stored);
      assert.deepEqual(pendingOf(client.state(), id), []);
    });
  }
});
