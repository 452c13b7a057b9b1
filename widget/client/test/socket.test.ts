import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createSocket, Refused, type Status } from "../src/core/socket.ts";
import { fakeClock } from "./fake-clock.ts";
import { fakeServer } from "./fake-server.ts";

function line(getSession?: () => Promise<{ token: string; expiresIn: number; url: string }>) {
  const clock = fakeClock();
  const server = fakeServer(clock);
  const statuses: Status[] = [];
  let sessions = 0;
  const socket = createSocket({
    getSession: getSession ?? (async () => ({ token: `token ${++sessions}`, expiresIn: 900, url: "/" })),
    hello: () => ({}),
    onFrame: () => {},
    onStatus: (status) => statuses.push(status),
    connect: server.connect,
    surroundings: server.surroundings,
    clock,
  });
  const state = () => statuses.at(-1)?.state;
  return { clock, server, socket, statuses, state, sessions: () => sessions };
}

async function online() {
  const here = line();
  here.socket.start();
  await here.clock.pass(100);
  assert.equal(here.state(), "online");
  return here;
}

describe("coming back", () => {
  for (const code of [1000, 1006, 1012, 4000, 4001, 4008, 4013, 4399, 4500]) {
    test(`close ${code} comes back`, async () => {
      const { clock, server, state } = await online();
      server.close(code);
      await clock.pass(1_000);
      assert.equal(state(), "online");
      assert.equal(server.dials(), 2);
    });
  }

  for (const code of [4400, 4401, 4403, 4404, 4410, 4426, 4499]) {
    test(`close ${code} stops and says why`, async () => {
      const { clock, server, statuses } = await online();
      server.close(code);
      await clock.pass(60_000);
      server.signal("wake");
      await clock.pass(60_000);
      assert.deepEqual(statuses.at(-1), { state: "stopped", code });
      assert.equal(server.dials(), 1);
    });
  }

  test("4001 asks for a fresh token first; another code keeps the one in hand", async () => {
    const { clock, server, sessions } = await online();
    server.close(1012);
    await clock.pass(1_000);
    assert.equal(sessions(), 1);
    server.close(4001);
    await clock.pass(1_000);
    assert.equal(sessions(), 2);
    const tokens = server.received.flatMap((frame) => (frame.t === "hello" ? [frame.token] : []));
    assert.deepEqual(tokens, ["token 1", "token 1", "token 2"]);
  });

  test("an outage costs no token; one that was shown and not welcomed is replaced", async () => {
    const { clock, server, sessions, state } = await online();
    server.down = true;
    server.close(1006);
    await clock.pass(30_000);
    server.down = false;
    await clock.pass(30_000);
    assert.deepEqual([state(), sessions()], ["online", 1]);
    server.unwelcome = 1;
    server.close(1006);
    await clock.pass(30_000);
    assert.deepEqual([state(), sessions()], ["online", 2]);
  });

  test("4409 waits until the tab is looked at", async () => {
    const { clock, server, state } = await online();
    server.hidden = true;
    server.close(4409);
    await clock.pass(120_000);
    server.signal("wake");
    await clock.pass(1_000);
    assert.equal(state(), "parked");
    server.hidden = false;
    server.signal("visible");
    await clock.pass(1_000);
    assert.equal(state(), "online");
  });

  test("a leaving server says when to come back", async () => {
    const { clock, server, state } = await online();
    server.tell({ t: "bye", code: 1012, after: 7_000 });
    await clock.pass(10);
    server.close(1012);
    await clock.pass(6_900);
    assert.equal(state(), "waiting");
    await clock.pass(200);
    assert.equal(state(), "online");
  });

  test("waits grow while it fails, and start anew after 30 s of a working socket", async () => {
    const { clock, server, statuses } = await online();
    const waits = () => statuses.flatMap((status) => (status.state === "waiting" ? [status.attempt] : []));
    server.down = true;
    server.close(1006);
    await clock.pass(3_000);
    assert.deepEqual(waits(), [1, 2, 3, 4, 5]);
    server.down = false;
    await clock.pass(40_000);
    server.close(1006);
    await clock.pass(10);
    assert.equal(waits().at(-1), 1);
  });

  for (const signal of ["wake", "visible", "key"] as const) {
    test(`${signal} tries at once`, async () => {
      const { clock, server, socket, state } = line();
      server.down = true;
      socket.start();
      await clock.pass(60_000);
      await clock.pass(1_100);
      server.down = false;
      assert.equal(state(), "waiting");
      server.signal(signal);
      await clock.pass(10);
      assert.equal(state(), "online");
    });
  }

  test("a page that sleeps lets the line go, and takes it up again", async () => {
    const { clock, server, state } = await online();
    server.signal("hide");
    assert.equal(state(), "idle");
    await clock.pass(60_000);
    assert.equal(server.dials(), 1);
    server.signal("wake");
    await clock.pass(100);
    assert.equal(state(), "online");
  });
});

describe("a line that dies without a word", () => {
  test("is given up after a heartbeat and 8 s of silence", async () => {
    const { clock, server, state } = await online();
    await clock.pass(300_000);
    assert.equal(server.dials(), 1, "answers to our heartbeat keep it");
    server.dead = true;
    await clock.pass(33_000 - 25_000);
    assert.equal(state(), "online");
    await clock.pass(25_000);
    assert.notEqual(state(), "online");
  });

  test("is given up within 3 s when someone looks", async () => {
    const { clock, server, state } = await online();
    server.dead = true;
    server.signal("visible");
    await clock.pass(2_900);
    assert.equal(state(), "online");
    await clock.pass(200);
    assert.notEqual(state(), "online");
  });

  test("never opens: given up after 10 s", async () => {
    const { clock, server, socket, state } = line();
    server.dead = true;
    socket.start();
    await clock.pass(9_900);
    assert.equal(state(), "connecting");
    await clock.pass(200);
    assert.equal(state(), "waiting");
  });
});

describe("sessions", () => {
  test("a refusal stops, any other failure is tried again", async () => {
    let failures = 2;
    const refused = line(async () => {
      if (failures-- > 0) throw new Error("network");
      throw new Refused(4404);
    });
    refused.socket.start();
    await refused.clock.pass(10_000);
    assert.deepEqual(refused.statuses.at(-1), { state: "stopped", code: 4404 });
    assert.equal(failures, -1);
    assert.equal(refused.server.dials(), 0);
  });

  test("a token is renewed before it ends, on the same line", async () => {
    const { clock, server } = await online();
    for (let minute = 0; minute < 15; minute += 1) {
      await clock.pass(60_000);
    }
    const renewals = server.received.flatMap((frame) => (frame.t === "auth" ? [frame.token] : []));
    assert.deepEqual(renewals, ["token 2"]);
    assert.equal(server.dials(), 1);
  });
});
