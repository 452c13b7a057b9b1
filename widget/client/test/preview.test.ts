import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createClient } from "../src/core/client.ts";
import { NEW_ROOM, pendingOf } from "../src/core/state.ts";
import { pretend } from "../src/panel/preview.ts";

const surroundings = { visible: () => true, watch: () => () => {} };

/** Until `ready` says so; each look is one turn of the event loop. */
async function until(ready: () => boolean): Promise<void> {
  for (let turns = 0; !ready(); turns += 1) {
    assert.ok(turns < 1_000, "it never came");
    await new Promise((done) => setTimeout(done));
  }
}

describe("the preview's stand-in for the server", () => {
  test("it welcomes, and one agent is here", async () => {
    const client = createClient({ ...pretend("here"), surroundings });
    client.start();
    await until(() => client.state().agents === 1);
    assert.deepEqual(client.status(), { state: "online" });
    client.stop();
  });

  test("or nobody is", async () => {
    const client = createClient({ ...pretend("away"), surroundings });
    client.start();
    await until(() => client.state().agents !== undefined);
    assert.equal(client.state().agents, 0);
    client.stop();
  });

  test("what is written stands there, and nothing waits", async () => {
    const client = createClient({ ...pretend("here"), surroundings });
    client.start();
    await until(() => client.state().agents === 1);
    client.open("How does this look?");
    await until(() => Object.values(client.state().rooms).some((room) => room.messages.length === 1));
    client.send("room", "Quite well.");
    await until(
      () => client.state().rooms.room?.messages.length === 2 && pendingOf(client.state(), "room").length === 0,
    );
    assert.deepEqual(pendingOf(client.state(), NEW_ROOM), []);
    client.stop();
  });
});
