import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ClientFrame } from "../src/core/protocol.ts";
import { hasReacted } from "../src/core/reactions.ts";
import { linesOf, type Shown } from "../src/core/view.ts";
import { BEN, VIC } from "./fake-server.ts";
import { inRoom, type Visitor } from "./world.ts";

const lines = ({ client, room }: Visitor): readonly Shown[] => linesOf(client.state(), room());
const first = (here: Visitor): Shown => lines(here)[0] as Shown;
const changesSent = ({ server }: Visitor): ClientFrame[] =>
  server.received.filter((frame) => frame.t === "edit" || frame.t === "delete" || frame.t === "react");

describe("a change of mine", () => {
  test("an edit shows at once, and then for good", async () => {
    const here = await inRoom();
    here.client.edit(here.id, first(here).id, " better \n");
    assert.deepEqual([first(here).text, first(here).changing?.state], ["better", "waiting"]);
    assert.equal(here.room().messages[0]?.text, "hello", "what the room said stays what it said");
    await here.clock.pass(50);
    assert.deepEqual([first(here).text, first(here).changing, first(here).changed], ["better", undefined, 2]);
    assert.deepEqual(here.client.state().pending, []);
  });

  test("a deletion leaves a tombstone without words", async () => {
    const here = await inRoom();
    here.client.remove(here.id, first(here).id);
    assert.deepEqual([first(here).deleted, first(here).text], [true, ""]);
    await here.clock.pass(50);
    assert.deepEqual([first(here).deleted, first(here).text, first(here).changing], [true, "", undefined]);
  });

  test("a reaction is counted once, however often it is put there, and taken away again", async () => {
    const here = await inRoom();
    const { client, clock, id } = here;
    for (let n = 0; n < 3; n += 1) client.react(id, first(here).id, "👍", true);
    assert.deepEqual(first(here).reactions, { "👍": { n: 1, who: [VIC.id] } });
    await clock.pass(50);
    assert.deepEqual(first(here).reactions, { "👍": { n: 1, who: [VIC.id] } });
    client.react(id, first(here).id, "👍", false);
    assert.deepEqual(first(here).reactions, {});
    await clock.pass(50);
    assert.deepEqual([first(here).reactions, client.state().pending], [{}, []]);
  });

  test("refused: the line is as it was and says so, until it is tried again or given up", async () => {
    const here = await inRoom();
    const { client, clock, server, id } = here;
    server.refuseChanges = "forbidden";
    const cid = client.edit(id, first(here).id, "better");
    await clock.pass(50);
    assert.deepEqual([first(here).text, first(here).failed?.code], ["hello", "forbidden"]);
    server.refuseChanges = undefined;
    client.retry(cid);
    assert.equal(first(here).text, "better");
    await clock.pass(50);
    assert.deepEqual([first(here).text, first(here).failed], ["better", undefined]);
    server.refuseChanges = "forbidden";
    const other = client.edit(id, first(here).id, "worse");
    await clock.pass(50);
    assert.equal(client.discard(other), "worse", "the words are not lost");
    assert.deepEqual([first(here).text, first(here).failed], ["better", undefined]);
  });

  test("a new edit takes the place of one that was refused", async () => {
    const here = await inRoom();
    here.server.refuseChanges = "too_long";
    here.client.edit(here.id, first(here).id, "too much");
    await here.clock.pass(50);
    here.server.refuseChanges = undefined;
    here.client.edit(here.id, first(here).id, "less");
    assert.equal(here.client.state().pending.length, 1);
    await here.clock.pass(50);
    assert.deepEqual([first(here).text, here.client.state().pending], ["less", []]);
  });

  test("made while the line is down: goes after the welcome, in order with what was written, once", async () => {
    const here = await inRoom();
    const { client, clock, server, id } = here;
    server.down = true;
    server.close(1006);
    await clock.pass(10);
    const message = first(here).id;
    client.edit(id, message, "one");
    client.send(id, "between");
    client.edit(id, message, "two");
    client.react(id, message, "🎉", true);
    await clock.pass(30_000);
    assert.equal(first(here).text, "two");
    server.down = false;
    await clock.pass(30_000);
    const sent = server.received
      .filter((frame) => "cid" in frame)
      .map((frame) => ("text" in frame ? frame.text : frame.t));
    assert.deepEqual(sent, ["hello", "one", "between", "two", "react"]);
    assert.deepEqual(
      lines(here).map((line) => line.text),
      ["two", "between"],
    );
    assert.equal(hasReacted(first(here), "🎉", VIC.id), true);
    assert.deepEqual(client.state().pending, []);
  });

  test("with its ack lost it goes again under its cid and is done once", async () => {
    const here = await inRoom();
    const { client, clock, server, id } = here;
    server.faults.muteAck = 1;
    client.edit(id, first(here).id, "better");
    await clock.pass(50);
    assert.equal(client.state().pending.length, 1);
    server.faults.muteAck = 0;
    server.close(1006);
    await clock.pass(2_000);
    const cids = changesSent(here).map((frame) => "cid" in frame && frame.cid);
    assert.equal(cids.length, 2);
    assert.equal(new Set(cids).size, 1);
    assert.deepEqual([server.room()?.head, client.state().pending], [2, []]);
  });
});

describe("what may not be said now", () => {
  const slow = (here: Visitor, seconds: number) => {
    const { summary } = here.room();
    if (summary) here.client.learn([{ ...summary, rev: summary.rev + 100, slow: seconds }]);
  };

  test("a message that waits out slow mode holds the messages behind it, and no change", async () => {
    const here = await inRoom();
    const { client, clock, server, id } = here;
    slow(here, 10);
    client.send(id, "one");
    await clock.pass(50);
    client.send(id, "two");
    client.send(id, "three");
    client.react(id, first(here).id, "👍", true);
    await clock.pass(500);
    assert.deepEqual(
      lines(here).map((line) => line.text),
      ["hello", "one"],
    );
    assert.equal(first(here).reactions["👍"]?.n, 1);
    await clock.pass(10_000);
    assert.deepEqual(
      lines(here).map((line) => line.text),
      ["hello", "one", "two"],
    );
    await clock.pass(10_500);
    assert.deepEqual(
      lines(here).map((line) => line.text),
      ["hello", "one", "two", "three"],
    );
    assert.equal(server.received.filter((frame) => frame.t === "send").length, 3, "nothing was tried in vain");
  });

  test("a refusal that passes says until when", async () => {
    const here = await inRoom();
    here.server.refuse = 1;
    here.client.send(here.id, "fast");
    await here.clock.pass(50);
    const [one] = here.client.state().pending;
    assert.deepEqual([one?.state, one?.code], ["waiting", "rate_limited"]);
    const left = (one?.until ?? 0) - here.clock.now();
    assert.ok(left > 1_900 && left <= 2_000, String(left));
  });

  test("another's line is not mine to be marked with my reaction", async () => {
    const here = await inRoom();
    here.server.say("Ben's");
    await here.clock.pass(50);
    assert.equal(hasReacted(lines(here)[1] as Shown, "👍", BEN.id), false);
  });
});
