import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createClient } from "../src/core/client.ts";
import type { Summary } from "../src/core/protocol.ts";
import { type Api, Failed } from "../src/inbox/api.ts";
import { createDrafts } from "../src/inbox/drafts.ts";
import { wouldLose } from "../src/inbox/leaving.ts";
import { createModel } from "../src/inbox/model.ts";
import { listed } from "../src/inbox/rooms.ts";

const summary = (id: string, status: string, rev = 1): Summary => ({
  id,
  kind: "support",
  title: "Vic",
  people: 2,
  head: 1,
  epoch: "e",
  rev,
  status,
  last: { text: "hello", by: "Vic", ts: "2026-11-22T10:00:00.000Z" },
  unread: 0,
});

const VIC = { id: "vic", name: "Vic", locale: "en", page: null, online: true, created_at: "2026-11-22T10:00:00.000Z" };

/** What the API would say; a test replaces the part that it is about. */
const truth: Api = {
  rooms: async (filter) => ({ rooms: [summary(`${filter} room`, filter)], cursor: null }),
  room: async (id) => ({ room: summary(id, "open"), visitor: VIC }),
  resolve: async (id) => ({ room: summary(id, "resolved", 2) }),
  reopen: async (id) => ({ room: summary(id, "open", 3) }),
  assign: async (id, agent) => ({ room: { ...summary(id, "open", 4), assignee: agent } }),
  team: async () => ({ members: [{ id: "ben", name: "Ben", role: "agent" }] }),
  restrain: async () => undefined,
  session: () => Promise.reject(new Error("no socket here")),
};

/** A browser that keeps nothing. */
const nowhere = (): Storage => {
  throw new DOMException("shut", "SecurityError");
};

const modelOf = (part: Partial<Api> = {}) => {
  const api = { ...truth, ...part };
  return createModel(createClient({ getSession: api.session }), api, createDrafts("ben", nowhere));
};
const settled = () => new Promise((resolve) => setImmediate(resolve));
const broken = () => Promise.reject(new Failed(500, "broken"));

describe("the model of the inbox", () => {
  test("reads resolved rooms when they are first looked at, and once", async () => {
    let reads = 0;
    const model = modelOf({
      rooms: (...asked) => {
        reads += 1;
        return truth.rooms(...asked);
      },
    });
    model.show("resolved");
    assert.equal(model.view().pages.resolved.state, "loading");
    await settled();
    model.show("open");
    model.show("resolved");
    await settled();
    assert.equal(reads, 1);
    assert.deepEqual(
      listed(model.view().chat.rooms, "resolved", model.view().pages.resolved).map((row) => row.id),
      ["resolved room"],
    );
  });

  test("reads every list again when the server lost hints: rooms were opened, and others resolved", async () => {
    const asked: string[] = [];
    const api: Api = {
      ...truth,
      rooms: async (filter, cursor) => {
        asked.push(`${filter} ${cursor}`);
        return {
          rooms: filter === "open" ? [summary("new", "open")] : [summary("known", "resolved", 2)],
          cursor: null,
        };
      },
    };
    const client = createClient({ getSession: api.session });
    let lostHints = () => {};
    const watched: typeof client = {
      ...client,
      on(name, fn) {
        if (name === "resync") lostHints = () => (fn as (nothing: undefined) => void)(undefined);
        return client.on(name, fn);
      },
    };
    const model = createModel(watched, api, createDrafts("ben", nowhere));
    client.learn([summary("known", "open", 1)]);
    lostHints();
    await settled();
    assert.deepEqual(asked, ["open null", "resolved null", "rooms null"]);
    const { chat, pages } = model.view();
    assert.deepEqual(
      listed(chat.rooms, "open", pages.open).map((row) => row.id),
      ["new"],
    );
  });

  test("keeps what it has when a page fails, and reads on at the same place", async () => {
    const cursors: (string | null)[] = [];
    let answer: Api["rooms"] = async () => ({ rooms: [summary("a", "resolved")], cursor: "next" });
    const model = modelOf({
      rooms: (filter, cursor) => {
        cursors.push(cursor);
        return answer(filter, cursor);
      },
    });
    model.show("resolved");
    await settled();
    answer = broken;
    model.more();
    await settled();
    assert.equal(model.view().pages.resolved.state, "failed");
    answer = truth.rooms;
    model.more();
    await settled();
    assert.deepEqual(cursors, [null, "next", "next"]);
    assert.equal(Object.keys(model.view().chat.rooms).length, 2);
  });

  test("does not ask behind the end", async () => {
    let reads = 0;
    const model = modelOf({
      rooms: (...asked) => {
        reads += 1;
        return truth.rooms(...asked);
      },
    });
    model.show("resolved");
    await settled();
    model.more();
    assert.equal(reads, 1);
  });

  test("opens a room with its visitor", async () => {
    const model = modelOf();
    model.open("r");
    assert.equal(model.view().details?.state, "loading");
    await settled();
    assert.equal(model.view().details?.visitor?.name, "Vic");
    assert.equal(model.view().chat.rooms.r?.joined, true);
  });

  test("leaves the room before, and forgets an answer that comes too late", async () => {
    const model = modelOf();
    model.open("slow");
    model.open("next");
    await settled();
    assert.equal(model.view().details?.room, "next");
    assert.equal(model.view().chat.rooms.slow?.joined, false);
  });

  test("tells a room that is gone from one that could not be read", async () => {
    const gone = modelOf({ room: () => Promise.reject(new Failed(404, "gone")) });
    gone.open("r");
    const down = modelOf({ room: broken });
    down.open("r");
    await settled();
    assert.equal(gone.view().details?.state, "gone");
    assert.equal(down.view().details?.state, "failed");
  });

  test("looks once more at a visitor whose room is called otherwise: the site has signed them in", async () => {
    const client = createClient({ getSession: truth.session });
    const named = (title: string, rev: number) => ({ ...summary("r", "open", rev), title });
    let now: Awaited<ReturnType<Api["room"]>> = { room: named("Visitor 7KPA", 1), visitor: VIC };
    let reads = 0;
    const room: Api["room"] = async () => {
      reads += 1;
      return now;
    };
    const model = createModel(client, { ...truth, room }, createDrafts("ben", nowhere));
    model.open("r");
    await settled();
    client.learn([{ ...named("Visitor 7KPA", 2), status: "resolved" }]);
    assert.equal(reads, 1);
    now = { room: named("Vic Adams", 3), visitor: { ...VIC, external_id: "4711" } };
    client.learn([now.room]);
    await settled();
    assert.equal(model.view().details?.visitor?.external_id, "4711");
    now = { room: named("Vic", 4), visitor: null };
    client.learn([now.room]);
    await settled();
    assert.equal(model.view().details?.visitor?.external_id, "4711", "what could not be read is kept");
    assert.equal(reads, 3);
  });

  test("notices that the open room was deleted", async () => {
    const client = createClient({ getSession: truth.session });
    let left: Record<string, "not_found"> = {};
    let hear = () => {};
    const subscribe = (fn: () => void) => {
      hear = fn;
      return () => {};
    };
    const model = createModel(
      { ...client, subscribe, state: () => ({ ...client.state(), left }) },
      truth,
      createDrafts("ben", nowhere),
    );
    model.open("r");
    await settled();
    hear();
    assert.equal(model.view().details?.state, "ready");
    left = { r: "not_found" };
    hear();
    assert.equal(model.view().details?.state, "gone");
  });

  test("resolves and reopens, and is busy meanwhile", async () => {
    const model = modelOf();
    model.open("r");
    await settled();
    model.toggleStatus();
    assert.deepEqual(model.view().change, { room: "r", what: "status", state: "busy" });
    await settled();
    assert.equal(model.view().chat.rooms.r?.summary?.status, "resolved");
    assert.equal(model.view().change, null);
    model.toggleStatus();
    await settled();
    assert.equal(model.view().chat.rooms.r?.summary?.status, "open");
  });

  test("says that a change was refused and leaves the room as it was", async () => {
    const model = modelOf({ resolve: broken });
    model.open("r");
    await settled();
    model.toggleStatus();
    await settled();
    assert.deepEqual(model.view().change, { room: "r", what: "status", state: "failed" });
    assert.equal(model.view().chat.rooms.r?.summary?.status, "open");
  });

  test("keeps a draft for each room", () => {
    const { drafts } = modelOf();
    drafts.keep("a", "half a line");
    assert.equal(drafts.of("a"), "half a line");
    assert.equal(drafts.of("b"), "");
    drafts.keep("a", "");
    assert.equal(drafts.of("a"), "");
  });

  test("drafts outlive the page in this tab, for their writer and until they sign out", () => {
    const kept = new Map<string, string>();
    const storage = () =>
      ({
        getItem: (name) => kept.get(name) ?? null,
        setItem: (name, text) => void kept.set(name, text),
        removeItem: (name) => void kept.delete(name),
      }) as Pick<Storage, "getItem" | "setItem" | "removeItem"> as Storage;
    createDrafts("ben", storage).keep("a", "half a line");
    assert.equal(createDrafts("ben", storage).of("a"), "half a line");
    createDrafts("ben", storage).keep("b", "another");
    createDrafts("ben", storage).forget();
    assert.equal(kept.size, 0);
    createDrafts("ben", storage).keep("a", "for Ben's eyes");
    assert.equal(createDrafts("ada", storage).of("a"), "");
    assert.equal(kept.size, 0);
  });

  test("asks before the page goes with what was not sent", () => {
    const model = modelOf();
    assert.equal(wouldLose(model, false), false);
    model.drafts.keep("a", "half a line");
    assert.equal(wouldLose(model, false), true);
    assert.equal(wouldLose(model, true), false);
    model.drafts.keep("a", "");
    const cid = model.client.send("a", "not gone out");
    assert.equal(wouldLose(model, true), true);
    model.client.discard(cid);
    assert.equal(wouldLose(model, false), false);
  });

  test("takes words back into the draft they are added to", () => {
    const model = modelOf();
    const cid = model.client.send("a", "not gone out");
    model.drafts.keep("a", "already here");
    model.takeBack("a", cid);
    assert.equal(model.drafts.of("a"), "already here\nnot gone out");
    assert.equal(model.view().chat.pending.length, 0);
    assert.equal(model.view().takenBack, 1);
  });

  test("gives the open room to an agent and takes it back", async () => {
    const model = modelOf();
    model.open("a");
    await settled();
    model.give("ben");
    assert.deepEqual(model.view().change, { room: "a", what: "holder", state: "busy" });
    await settled();
    assert.equal(model.view().change, null);
    assert.equal(model.view().chat.rooms.a?.summary?.assignee, "ben");
  });

  test("says so when a room could not be given", async () => {
    const model = modelOf({ assign: broken });
    model.open("a");
    await settled();
    model.give(null);
    await settled();
    assert.deepEqual(model.view().change, { room: "a", what: "holder", state: "failed" });
  });
});
