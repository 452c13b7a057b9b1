import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Client } from "../src/core/client-api.ts";
import { createEmitter } from "../src/core/emitter.ts";
import type { ServerFrame } from "../src/core/protocol.ts";
import { resume } from "../src/panel/anew.ts";
import type { Host } from "../src/panel/host.ts";
import { takeUp } from "../src/panel/invitation.ts";
import { createModel } from "../src/panel/model.ts";
import { accept } from "../src/panel/rooms-acts.ts";
import type { Offered, RoomsApi } from "../src/panel/rooms-api.ts";
import type { Visitor } from "../src/panel/session.ts";
import type { Hello, ToLoader, ToPanel } from "../src/port.ts";
import { after, BEN, joined, line, summary, VIC, welcome } from "./frames.ts";

const LAMPS: Offered = { ...summary(1, { id: "lamps", kind: "community", title: "Lamps" }), joined: false };

/** A panel whose client is a record of calls over a state that frames made. */
function panel(
  frames: readonly ServerFrame[] = [welcome([summary(2)]), joined(2, [line(1, { by: VIC }), line(2)])],
  extra: Partial<Hello> = {},
  visitor?: Visitor,
) {
  let state = after(frames);
  const calls: unknown[][] = [];
  const told: ToLoader[] = [];
  const left: string[] = [];
  const changes = createEmitter<{ change: undefined; welcome: unknown }>();
  const said = createEmitter<{ message: ToPanel }>();
  const call =
    (name: string) =>
    (...values: unknown[]) => {
      calls.push([name, ...values]);
      return name;
    };
  const client = {
    state: () => state,
    subscribe: (fn: () => void) => changes.on("change", fn),
    on: (name: "welcome", fn: () => void) => changes.on(name, fn),
    learn(rooms: readonly Offered[]) {
      state = after(
        rooms.map((one): ServerFrame => ({ t: "room", room: one.id, summary: one })),
        state,
      );
    },
    ...Object.fromEntries(
      ["start", "page", "join", "leave", "typing", "send", "open", "edit"].map((name) => [name, call(name)]),
    ),
    discard: () => "not sent",
  } as unknown as Client;
  const host: Host = {
    origin: "https://shop.example",
    hello: {
      porchlight: 1,
      page: { url: "/", title: "", referrer: "" },
      shown: true,
      dir: "ltr",
      ...extra,
    },
    tell: (message) => told.push(message),
    listen: (fn) => said.on("message", fn),
  };
  const api: RoomsApi = {
    async ask(_method, path) {
      const code = path.replace("/../invitations/", "");
      calls.push(["accept", code]);
      if (code !== "good") throw new Error(code === "bad" ? "404" : "503");
      return { room: LAMPS } as never;
    },
    list: async () => [LAMPS],
    leave: async (room) => void left.push(room),
  };
  const model = createModel(client, host, api, () => visitor);
  const hear = (...heard: ServerFrame[]) => {
    state = after(heard, state);
    changes.emit("change", undefined);
  };
  return { model, calls, told, left, said, hear, welcome: () => changes.emit("welcome", undefined) };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const sent = (calls: readonly unknown[][]) => calls.filter(([name]) => ["send", "open", "edit"].includes(String(name)));

describe("the model of the panel", () => {
  test("the first words open a room, the next ones go into it", () => {
    const stranger = panel([welcome()]);
    stranger.model.write("hello");
    stranger.model.send();
    assert.deepEqual(sent(stranger.calls), [["open", "hello"]]);
    const known = panel();
    known.model.write("hello");
    known.model.send();
    assert.deepEqual(sent(known.calls), [["send", "r", "hello", {}]]);
    assert.equal(known.model.draft(), "");
  });

  test("an edit begins with the message's words, and the draft before it is there again", () => {
    const { model, calls } = panel();
    model.write("half a thought");
    model.begin({ what: "edit", line: line(1, { by: VIC }) });
    assert.equal(model.draft(), "line 1");
    model.write("line one");
    model.send();
    assert.deepEqual(sent(calls), [["edit", "r", "m1", "line one"]]);
    assert.equal(model.draft(), "half a thought");
    assert.equal(model.task(), undefined);
  });

  test("an edit given up changes nothing, and nobody is told of typing in it", () => {
    const { model, calls } = panel();
    model.write("half a thought");
    model.begin({ what: "edit", line: line(1, { by: VIC }) });
    model.write("line one");
    model.begin(undefined);
    assert.equal(model.draft(), "half a thought");
    assert.deepEqual(sent(calls), []);
    assert.equal(calls.filter(([name]) => name === "typing").length, 1);
  });

  test("a reply keeps what was written and names what it answers", () => {
    const { model, calls } = panel();
    model.write("two of them");
    model.begin({ what: "reply", line: line(2) });
    assert.equal(model.draft(), "two of them");
    model.send();
    assert.deepEqual(sent(calls), [["send", "r", "two of them", { replyTo: "m2" }]]);
  });

  test("a message taken back stands before what was written since", () => {
    const { model } = panel();
    model.write("since then");
    model.edit("c");
    assert.equal(model.draft(), "not sent\nsince then");
  });

  test("each room has a draft of its own, and an edit goes into none", async () => {
    const { model, calls, welcome: connected } = panel();
    connected();
    await settled();
    model.write("for the team only");
    model.show("lamps");
    assert.equal(model.draft(), "");
    model.write("for everybody");
    model.show(null);
    assert.equal(model.draft(), "for the team only");
    model.begin({ what: "edit", line: line(1, { by: VIC }) });
    model.write("line one");
    model.show("lamps");
    assert.equal(model.draft(), "for everybody");
    model.show(null);
    assert.equal(model.draft(), "for the team only");
    model.send();
    assert.deepEqual(sent(calls), [["send", "r", "for the team only", {}]]);
    assert.deepEqual(model.drafts, { "": "", lamps: "for everybody" });
  });

  test("a community room is joined when it is chosen, and given back when it is left", async () => {
    const { model, calls, left, welcome: connected } = panel();
    connected();
    await settled();
    assert.deepEqual(
      model.offered().map((one) => one.id),
      ["lamps"],
    );
    model.list();
    assert.equal(model.isListing(), true);
    model.show("lamps");
    assert.equal(model.isListing(), false);
    assert.equal(model.room()?.id, "lamps");
    assert.ok(calls.some(([name, room]) => name === "join" && room === "lamps"));
    model.leave();
    assert.equal(model.room()?.id, "r");
    await settled();
    assert.deepEqual(left, ["lamps"]);
  });

  test("a room that is taken from me gives way to my own", async () => {
    const { model, hear, welcome: connected } = panel();
    connected();
    await settled();
    model.show("lamps");
    hear({ t: "left", room: "lamps", code: "not_found" });
    assert.equal(model.room()?.id, "r");
  });

  test("the launcher hears how much is unread while nobody looks", () => {
    const { told, said, hear } = panel();
    said.emit("message", { t: "shown", on: false });
    hear({ t: "msg", room: "r", seq: 3, message: line(3, { by: BEN }) });
    assert.deepEqual(told.at(-1), { t: "unread", count: 1 });
    said.emit("message", { t: "shown", on: true });
    assert.deepEqual(told.at(-1), { t: "unread", count: 0 });
  });

  test("the page names a room: the panel opens there", () => {
    const { model, calls } = panel([welcome()], { room: "lamps" });
    assert.deepEqual(
      calls.filter(([name]) => name === "join"),
      [["join", "lamps"]],
    );
    assert.equal(model.isListing(), false);
  });

  test("the page names a room: a user finds it, though what they began as a stranger was for the team", () => {
    const begun = {
      visitor: { id: "vic", identified: false },
      isNamed: true,
      room: null,
      drafts: { "": "to the team" },
    };
    Object.assign(globalThis, { history: { state: begun, replaceState() {} } });
    const { model, hear } = panel([welcome()], { room: "lamps" }, { id: "ada", identified: true });
    resume(model);
    hear({ t: "room", room: "lamps", summary: LAMPS }, { t: "room", room: "r", summary: summary(1) });
    assert.equal(model.room()?.id, "lamps");
    model.show(null);
    assert.equal(model.draft(), "to the team");
  });

  test("the page asks for a room later", () => {
    const { calls, said } = panel();
    said.emit("message", { t: "room", room: "lamps" });
    assert.deepEqual(calls.at(-1), ["join", "lamps"]);
  });

  test("a room that the page names and that is not there for this visitor leads to their own", () => {
    const { model, hear } = panel(undefined, { room: "lamps" });
    hear({ t: "left", room: "lamps", code: "not_found" });
    assert.equal(model.room()?.summary?.kind, "support");
  });
});

describe("an invitation in the address", () => {
  const invitedBy = (code: string, frames: readonly ServerFrame[] = [welcome()]) => {
    const page = { url: `https://shop.example/${code && `#porchlight=${code}`}`, title: "", referrer: "" };
    const here = panel(frames, { page });
    const over: string[] = [];
    const stop = takeUp(here.model, () => over.push("over"));
    return { ...here, over, stop };
  };
  const asked = (calls: readonly unknown[][]) => calls.filter(([name]) => name === "accept" || name === "join");

  test("leads into its room, once", async () => {
    const { calls, over, welcome: again } = invitedBy("good");
    await settled();
    again();
    await settled();
    assert.deepEqual(asked(calls), [
      ["accept", "good"],
      ["join", "lamps"],
    ]);
    assert.deepEqual(over, []);
  });

  test("waits until the visitor is known", async () => {
    const { calls, hear, welcome: connected } = invitedBy("good", []);
    await settled();
    assert.deepEqual(asked(calls), []);
    hear(welcome());
    connected();
    await settled();
    assert.deepEqual(asked(calls)[0], ["accept", "good"]);
  });

  test("says so when it is over, and is not asked about again", async () => {
    const { model, calls, over, welcome: again } = invitedBy("bad");
    await settled();
    again();
    await settled();
    assert.deepEqual(asked(calls), [["accept", "bad"]]);
    assert.deepEqual(over, ["over"]);
    assert.equal(model.room(), undefined);
  });

  test("is not over because nobody answered: it is asked about again with the next connection", async () => {
    const { calls, over, welcome: again } = invitedBy("unanswered");
    await settled();
    again();
    await settled();
    assert.deepEqual(asked(calls), [
      ["accept", "unanswered"],
      ["accept", "unanswered"],
    ]);
    assert.deepEqual(over, []);
  });

  test("is left alone once the panel has ended it", async () => {
    const { calls, stop, welcome: again } = invitedBy("unanswered");
    await settled();
    stop();
    again();
    await settled();
    assert.equal(asked(calls).length, 1);
  });

  test("leads nowhere else, whatever stands in the link", async () => {
    const asked: string[] = [];
    const refuse = async (_method: string, path: string) => Promise.reject(new Error(`${asked.push(path)}`));
    await assert.rejects(accept(refuse, "../rooms/lamps/leave?x#y"));
    assert.deepEqual(asked, ["/../invitations/..%2Frooms%2Flamps%2Fleave%3Fx%23y"]);
  });

  test("is not there in most addresses", () => {
    assert.equal(panel().model.invitation, undefined);
    assert.equal(invitedBy("good").model.invitation, "good");
  });
});
