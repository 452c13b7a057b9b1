import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Id } from "../src/core/protocol.ts";
import { LATE, NEW_ROOM, pendingOf } from "../src/core/state.ts";
import { linesOf } from "../src/core/view.ts";
import { seeded } from "./fake-clock.ts";
import { type FakeServer, VIC } from "./fake-server.ts";
import { notice } from "./frames.ts";
import { inRoom, texts, type Visitor, visitor, type World } from "./world.ts";

test("a notification is an event once, however often it is told", async () => {
  const { client, clock, server } = await inRoom();
  const came: Id[] = [];
  client.on("notice", (one) => came.push(one.id));
  for (const id of ["a", "b", "a"]) server.tell(notice(id));
  await clock.pass(50);
  client.markSeen("b");
  server.tell(notice("b"));
  await clock.pass(50);
  assert.deepEqual(came, ["a", "b"]);
});

describe("a conversation", () => {
  test("the first message makes the room, and what is written meanwhile follows in order", async () => {
    const { client, clock, room } = visitor();
    client.start();
    for (const text of ["one", "two", "three"]) client.open(text);
    assert.deepEqual(
      pendingOf(client.state(), NEW_ROOM).map((one) => one.text),
      ["one", "two", "three"],
    );
    await clock.pass(200);
    assert.deepEqual(texts(room()), ["one", "two", "three"]);
    assert.deepEqual(client.state().pending, []);
  });

  test("words written before the welcome go into the room that the visitor has already", async () => {
    const { client, clock, server, id } = await inRoom();
    client.stop();
    const back = visitor({ clock, server });
    back.client.start();
    back.client.open("it is me again");
    await clock.pass(200);
    assert.deepEqual(Object.keys(back.client.state().rooms), [id]);
    assert.deepEqual(texts(back.room()), ["hello", "it is me again"]);
  });

  test("what is written offline waits and goes out once", async () => {
    const { client, clock, server, id, room } = await inRoom();
    server.down = true;
    server.close(1006);
    await clock.pass(10);
    client.send(id, "from the tunnel");
    await clock.pass(30_000);
    assert.equal(client.state().pending.length, 1);
    server.down = false;
    await clock.pass(30_000);
    assert.deepEqual(texts(room()), ["hello", "from the tunnel"]);
    assert.deepEqual(client.state().pending, []);
  });

  test("a refusal that passes is sent again after its pause, and holds what is written after it", async () => {
    const { client, clock, server, id, room } = await inRoom();
    server.refuse = 1;
    client.send(id, "too fast");
    await clock.pass(50);
    client.send(id, "second");
    await clock.pass(1_800);
    assert.deepEqual(texts(room()), ["hello"]);
    await clock.pass(300);
    assert.deepEqual(texts(room()), ["hello", "too fast", "second"]);
  });

  test("a final refusal is the author's to decide", async () => {
    const { client, clock, server, id } = await inRoom();
    server.faults.muteLine = 1;
    server.faults.muteAck = 1;
    const cid = client.send(id, "spam");
    server.tell({ t: "err", cid, code: "muted", message: "You are muted." });
    await clock.pass(50);
    const [one] = client.state().pending;
    assert.deepEqual([one?.state, one?.code], ["refused", "muted"]);
    assert.equal(client.discard(cid), "spam");
    assert.deepEqual(client.state().pending, []);
  });

  test("an answer that never comes is offered for retry after 60 s and is not dropped", async () => {
    const { client, clock, server, id, room } = await inRoom();
    server.faults.muteAck = 1;
    server.faults.muteLine = 1;
    const cid = client.send(id, "into the dark");
    await clock.pass(LATE);
    assert.equal(client.state().pending[0]?.cid, cid);
    server.faults.muteAck = 0;
    client.retry(cid);
    await clock.pass(100);
    server.ping();
    await clock.pass(100);
    assert.deepEqual(texts(room()), ["hello", "into the dark"]);
    assert.deepEqual(client.state().pending, []);
  });

  test("a quiet loss at the end is found by the heads of a ping", async () => {
    const { clock, server, room } = await inRoom();
    server.faults.muteLine = 1;
    server.say("did you hear");
    await clock.pass(1_000);
    assert.deepEqual(texts(room()), ["hello"]);
    server.ping();
    await clock.pass(100);
    assert.deepEqual(texts(room()), ["hello", "did you hear"]);
  });

  test("a line ahead of a hole waits 20 ms before the room is asked, once", async () => {
    const { clock, server, room } = await inRoom();
    server.faults.muteLine = 1;
    server.say("lost");
    server.faults.muteLine = 0;
    server.say("kept");
    server.say("kept too");
    await clock.pass(15);
    const joins = () => server.received.filter((frame) => frame.t === "join");
    assert.deepEqual(texts(room()), ["hello"]);
    assert.equal(joins().length, 0);
    await clock.pass(100);
    assert.deepEqual(texts(room()), ["hello", "lost", "kept", "kept too"]);
    assert.equal(joins().length, 1);
  });

  test("far behind, the newest page replaces the view and history leads back", async () => {
    const { client, clock, server, id, room } = await inRoom();
    server.down = true;
    server.close(1006);
    for (let n = 2; n <= 300; n += 1) server.say(`line ${n}`);
    client.send(id, "kept");
    await clock.pass(5_000);
    server.down = false;
    await clock.pass(30_000);
    assert.equal(room().messages.at(-1)?.text, "kept");
    while (room().more) {
      client.older(id);
      await clock.pass(50);
    }
    assert.deepEqual(
      room().messages.map((message) => message.seq),
      Array.from({ length: 301 }, (_, at) => at + 1),
    );
  });

  test("a catch-up of several pages brings every line", async () => {
    const { clock, server, room } = await inRoom();
    server.down = true;
    server.close(1006);
    for (let n = 2; n <= 120; n += 1) server.say(`line ${n}`);
    await clock.pass(2_000);
    server.down = false;
    await clock.pass(30_000);
    assert.equal(room().messages.length, 120);
    assert.equal(room().last, 120);
    assert.equal(server.received.filter((frame) => frame.t === "join").length, 0, "hello asked already");
  });
});

describe("small signals", () => {
  test("typing leaves at most once in 3 s, and its end at once", async () => {
    const { client, clock, server, id } = await inRoom();
    for (let n = 0; n < 40; n += 1) {
      client.typing(id, true);
      await clock.pass(100);
    }
    client.typing(id, false);
    client.typing(id, false);
    await clock.pass(10);
    const sent = server.received.flatMap((frame) => (frame.t === "typing" ? [frame.on] : []));
    assert.deepEqual(sent, [true, true, false]);
  });

  test("someone who types is forgotten after 6 s", async () => {
    const { clock, server, id, room } = await inRoom();
    server.tell({ t: "typing", room: id, who: { kind: "agent", id: "ben", name: "Ben" }, on: true });
    await clock.pass(5_000);
    assert.equal(room().typing[0]?.who.name, "Ben");
    await clock.pass(2_000);
    assert.deepEqual(room().typing, []);
  });

  test("a read mark goes forward only, and again when the line was down", async () => {
    const { client, clock, server, id } = await inRoom();
    server.say("two");
    await clock.pass(50);
    client.read(id, 2);
    client.read(id, 1);
    await clock.pass(500);
    const marks = () => server.received.flatMap((frame) => (frame.t === "read" ? [frame.seq] : []));
    assert.deepEqual(marks(), [2]);
    server.close(1012);
    await clock.pass(30_000);
    assert.deepEqual(marks(), [2, 2]);
  });

  const moods = (server: FakeServer) =>
    server.received.flatMap((frame) => (frame.t === "presence" ? [frame.state] : []));

  test("what an agent says of themselves while the line is down goes out after it, whatever it is", async () => {
    const { client, clock, server } = await inRoom();
    client.presence("away");
    server.tell({ t: "presence", who: VIC, state: "away" });
    await clock.pass(10);
    server.close(1006);
    await clock.pass(10);
    client.presence("online");
    await clock.pass(30_000);
    assert.deepEqual(moods(server), ["away", "online"]);
  });

  test("and so does what was lost with the line", async () => {
    const { client, clock, server } = await inRoom();
    server.dead = true;
    client.presence("busy");
    server.close(1006);
    server.dead = false;
    await clock.pass(30_000);
    assert.deepEqual(moods(server), ["busy"]);
  });

  test("what the server has heard is not said again: another tab may have said something newer since", async () => {
    const { client, clock, server } = await inRoom();
    client.presence("busy");
    server.tell({ t: "presence", who: VIC, state: "busy" });
    await clock.pass(10);
    server.close(1006);
    await clock.pass(30_000);
    assert.deepEqual(moods(server), ["busy"]);
  });
});

/** Both talk, and the visitor changes what was said, while frames are killed with their connection, acks withheld, lines lost and late. */
async function storm(here: Visitor & { readonly id: Id }, steps: number): Promise<void> {
  const { client, clock, server, id } = here;
  server.faults.kill = 0.03;
  server.faults.muteAck = 0.5;
  server.faults.muteLine = 0.1;
  server.faults.jitter = 40;
  for (let step = 0; step < steps; step += 1) {
    client.send(id, `visitor ${step}`);
    if (step % 2 === 0) server.say(`agent ${step}`);
    if (step % 3 === 0) meddle(here, step);
    if (step % 10 === 0) server.ping();
    await clock.pass(Math.floor(clock.random() * 120));
  }
}

/** A change of any line in view. */
function meddle({ client, clock, room, id }: Visitor & { readonly id: Id }, step: number): void {
  const lines = room().messages;
  const line = lines[Math.floor(clock.random() * lines.length)];
  if (!line) return;
  if (step % 4 === 0) client.react(id, line.id, "👍", clock.random() < 0.6);
  else if (step % 4 === 1) client.edit(id, line.id, `${line.text} (edited in ${step})`);
  else if (clock.random() < 0.2) client.remove(id, line.id);
}

async function calm({ clock, server }: World): Promise<void> {
  Object.assign(server.faults, { kill: 0, muteAck: 0, muteLine: 0, jitter: 0 });
  await clock.pass(60_000);
  server.ping();
  await clock.pass(5_000);
}

describe("nothing is lost, nothing is doubled, everything is in order", () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    test(`seed ${seed}`, async () => {
      const here = await inRoom(seeded(seed));
      await storm(here, 120);
      await calm(here);
      const stored = here.server.room()?.log ?? [];
      const said = here.server.received.flatMap((frame) => (frame.t === "send" ? [frame.cid] : []));
      assert.ok(here.server.dials() > 5, "the storm must cut the line");
      assert.ok(stored.some((message) => message.changed > message.seq));
      assert.deepEqual(
        stored.flatMap((message) => (message.by.id === VIC.id && message.seq > 1 ? [message.cid] : [])),
        [...new Set(said)],
      );
      while (here.room().more) {
        here.client.older(here.id);
        await here.clock.pass(50);
      }
      assert.deepEqual(linesOf(here.client.state(), here.room()), stored);
      assert.deepEqual(here.client.state().pending, []);
    });
  }
});
