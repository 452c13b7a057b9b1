import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Refused } from "../src/core/socket.ts";
import { type Boot, createApi, Failed, mayAnswer } from "../src/inbox/api.ts";
import { createConnectionLine, goesOut } from "../src/inbox/connection.ts";
import { commandOf } from "../src/inbox/keys.ts";
import { pathOf, roomOf } from "../src/inbox/route.ts";
import { ago, dayName, languageName, span } from "../src/inbox/time.ts";
import { keptTop, sliceOf } from "../src/inbox/use-window.ts";
import { fakeClock } from "./fake-clock.ts";

const ROOM = "01890a5d-ac96-774b-bcce-b302099a8057";
const BARE = { ctrlKey: false, metaKey: false, altKey: false };

describe("the address", () => {
  test("names the open room and survives the way back", () => {
    assert.equal(roomOf(pathOf(ROOM)), ROOM);
    assert.equal(roomOf(pathOf(null)), null);
    assert.equal(roomOf(`/inbox/${ROOM.toUpperCase()}`), ROOM);
  });

  test("that names no room is the list", () => {
    for (const path of ["/inbox/", "/inbox/x/", `/inbox/${ROOM}/more/`, `/${ROOM}/`]) assert.equal(roomOf(path), null);
  });
});

describe("keys", () => {
  test("mean the same in both cases", () => {
    assert.equal(commandOf({ key: "j", ...BARE }, "page"), "next");
    assert.equal(commandOf({ key: "J", ...BARE }, "page"), "next");
    assert.equal(commandOf({ key: "ArrowUp", ...BARE }, "page"), "previous");
    assert.equal(commandOf({ key: "x", ...BARE }, "page"), null);
  });

  test("with a modifier belong to the browser", () => {
    assert.equal(commandOf({ key: "r", ...BARE, ctrlKey: true }, "page"), null);
    assert.equal(commandOf({ key: "r", ...BARE, metaKey: true }, "page"), null);
    assert.equal(commandOf({ key: "e", ...BARE, altKey: true }, "page"), null);
  });

  test("belong to the place where they are pressed", () => {
    assert.equal(commandOf({ key: "e", ...BARE }, "field"), null);
    assert.equal(commandOf({ key: "Escape", ...BARE }, "field"), "back");
    assert.equal(commandOf({ key: "ArrowDown", ...BARE }, "scroller"), null);
    assert.equal(commandOf({ key: "j", ...BARE }, "scroller"), "next");
    assert.equal(commandOf({ key: "Escape", ...BARE }, "dialog"), null);
  });
});

describe("times in words", () => {
  const now = new Date(2026, 10, 22, 12, 0).getTime();
  const before = (minutes: number) => new Date(now - minutes * 60_000).toISOString();

  test("grow coarser with distance", () => {
    assert.equal(ago(before(0.2), now), "now");
    assert.equal(ago(before(4), now), "4 min");
    assert.match(ago(before(150), now), /9:30/);
    assert.match(ago(before(60 * 24), now), /^[A-Z][a-z]{2}$/);
    assert.match(ago(before(60 * 24 * 40), now), /13/);
    assert.match(ago(before(60 * 24 * 400), now), /2025/);
  });

  test("of a wait are never nothing", () => {
    assert.equal(span(before(0), now), "1 min");
    assert.equal(span(before(125), now), "2 hr");
    assert.equal(span(before(60 * 50), now), "2 days");
  });

  test("name the days near by", () => {
    assert.equal(dayName(before(10), now), "Today");
    assert.equal(dayName(before(60 * 24), now), "Yesterday");
    assert.match(dayName(before(60 * 24 * 2), now), /Friday/);
  });

  test("languages have names, and nonsense stays what it is", () => {
    assert.equal(languageName("pl"), "Polish");
    assert.equal(languageName("!"), "!");
  });
});

describe("the connection line", () => {
  const follow = () => {
    const clock = fakeClock();
    const line = createConnectionLine(clock, () => {});
    const waiting = { state: "waiting", attempt: 1, until: 0 } as const;
    return { clock, line, drop: (browserOnline = true) => line.update(waiting, browserOnline) };
  };

  test("says nothing of a hiccup", async () => {
    const { clock, line, drop } = follow();
    drop();
    await clock.pass(1_000);
    line.update({ state: "online" }, true);
    await clock.pass(10_000);
    assert.equal(line.current().state, "well");
  });

  test("lets messages wait for a line that comes back, and for no other", () => {
    const { line, drop } = follow();
    drop();
    assert.equal(goesOut(line.current()), true);
    line.update({ state: "parked" }, true);
    assert.equal(goesOut(line.current()), true);
    for (const code of [4401, 4410, 4426]) {
      line.update({ state: "stopped", code }, true);
      assert.equal(goesOut(line.current()), false);
    }
  });

  test("goes from connecting to offline to back to silence", async () => {
    const { clock, line, drop } = follow();
    drop();
    await clock.pass(1_300);
    assert.equal(line.current().state, "connecting");
    await clock.pass(4_000);
    assert.equal(line.current().state, "offline");
    line.update({ state: "online" }, true);
    assert.equal(line.current().state, "back");
    await clock.pass(3_000);
    assert.equal(line.current().state, "well");
  });

  test("believes a browser that says it is offline", async () => {
    const { clock, line, drop } = follow();
    drop(false);
    await clock.pass(1_300);
    drop(false);
    assert.equal(line.current().state, "offline");
  });

  test("says at once what does not mend itself", () => {
    const { line } = follow();
    line.update({ state: "stopped", code: 4401 }, true);
    assert.deepEqual(line.current(), { state: "stopped", code: 4401 });
    line.update({ state: "parked" }, true);
    assert.deepEqual(line.current(), { state: "stopped", code: 4409 });
  });
});

describe("the rows drawn", () => {
  test("are those near the eye, whatever the number of rooms", () => {
    assert.deepEqual(sliceOf(10_000, 50, 0, 500), { from: 0, to: 22 });
    assert.deepEqual(sliceOf(10_000, 50, 5_000, 500), { from: 88, to: 122 });
    assert.deepEqual(sliceOf(3, 50, 0, 500), { from: 0, to: 3 });
    assert.deepEqual(sliceOf(0, 50, 0, 500), { from: 0, to: 0 });
  });

  test("never begin behind the end when the list shrinks", () => {
    const { from, to } = sliceOf(10, 50, 5_000, 500);
    assert.ok(from < 10 && to <= 10 && from < to);
  });

  test("stay under the eye when another comes above them", () => {
    assert.equal(keptTop(1_000, 20, 21, 50), 1_050);
    assert.equal(keptTop(1_000, 20, -1, 50), 1_000);
  });
});

describe("the HTTP side", () => {
  const boot: Boot = {
    user: { id: "ada", name: "Ada", email: "ada@acme.example" },
    role: "owner",
    tenant: { id: "t", slug: "acme", name: "Acme" },
    api: "/api/v1",
    csrf: "secret",
    socket: "/ws/agent/",
    you: "http://localhost/you/",
  };
  const asked: { url: string; init: RequestInit | undefined }[] = [];
  const answering = (status: number, body: object = {}) =>
    createApi(boot, async (url, init) => {
      asked.push({ url: String(url), init });
      return Response.json(body, { status });
    });

  test("asks for a page of a filter by its cursor", async () => {
    await answering(200, { rooms: [], cursor: null }).rooms("resolved", "a b");
    assert.equal(asked.at(-1)?.url, "/api/v1/rooms?kind=support&status=resolved&cursor=a+b");
  });

  test("proves with the page's secret that a change is wanted", async () => {
    await answering(200, {}).resolve(ROOM);
    assert.equal(asked.at(-1)?.url, `/api/v1/rooms/${ROOM}/resolve`);
    assert.equal(asked.at(-1)?.init?.method, "POST");
    assert.equal(new Headers(asked.at(-1)?.init?.headers).get("X-CSRFToken"), "secret");
  });

  test("turns a ticket into a session", async () => {
    const ticket = { token: "x", expires_in: 60, socket: "ws://acme/ws/agent/" };
    assert.deepEqual(await answering(200, ticket).session(), { token: "x", expiresIn: 60, url: ticket.socket });
  });

  test("stops where only signing in helps, and goes on where waiting does", async () => {
    await assert.rejects(answering(401).session(), (error) => error instanceof Refused && error.code === 4401);
    await assert.rejects(answering(403).session(), (error) => error instanceof Refused && error.code === 4403);
    await assert.rejects(answering(503).session(), (error) => error instanceof Failed && error.status === 503);
  });

  test("tells a missing room from a missing answer", async () => {
    await assert.rejects(answering(404).room(ROOM), (error) => error instanceof Failed && error.status === 404);
    const silent = createApi(boot, () => Promise.reject(new TypeError("no network")));
    await assert.rejects(silent.room(ROOM), (error) => error instanceof Failed && error.status === 0);
  });

  test("lets everyone answer but a viewer", () => {
    assert.deepEqual(["owner", "admin", "agent", "viewer"].map(mayAnswer), [true, true, true, false]);
  });
});
