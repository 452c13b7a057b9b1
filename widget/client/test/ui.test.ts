import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Message } from "../src/core/protocol.ts";
import { en as inboxWords } from "../src/inbox/text.ts";
import { isAllowed } from "../src/panel/boot.ts";
import { en } from "../src/panel/extras-text.ts";
import { en as panelWords } from "../src/panel/text.ts";
import { createTimes, supported } from "../src/panel/time.ts";
import { hexOf, onColor } from "../src/ui/color.ts";
import { isComposing } from "../src/ui/composing.ts";
import { itemsOf, pendingLine } from "../src/ui/lines.ts";
import { piecesOf } from "../src/ui/links.ts";

describe("who may embed the panel", () => {
  const list = ["https://shop.example", "https://*.shop.example", "http://localhost:3000"];
  const cases: readonly [string, boolean][] = [
    ["https://shop.example", true],
    ["https://a.shop.example", true],
    ["https://a.b.shop.example", true],
    ["http://localhost:3000", true],
    ["http://shop.example", false],
    ["http://a.shop.example", false],
    ["https://evilshop.example", false],
    ["https://shop.example.evil.example", false],
    ["https://a.shop.example:8443", false],
    ["https://shop.example:8443", false],
    ["http://localhost:3001", false],
    ["null", false],
    ["", false],
  ];
  for (const [origin, allowed] of cases) {
    test(`${origin || "no origin"}: ${allowed ? "yes" : "no"}`, () => assert.equal(isAllowed(origin, list), allowed));
  }

  test("an empty list allows nobody", () => assert.equal(isAllowed("https://shop.example", []), false));
});

describe("a site's colour", () => {
  const linear = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (hex: string) => {
    const full = hex.length === 4 ? hex.replace(/[\da-f]/g, "$&$&") : hex;
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => linear(Number.parseInt(full.slice(at, at + 2), 16) / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one: string, other: string) => {
    const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };

  test("text on it is read with a contrast of 4.5, whatever the colour", () => {
    const hex = (...channels: number[]) => `#${channels.map((one) => one.toString(16).padStart(2, "0")).join("")}`;
    for (let r = 0; r <= 255; r += 15) {
      for (let g = 0; g <= 255; g += 15) {
        for (let b = 0; b <= 255; b += 15) {
          const color = hex(r, g, b);
          assert.ok(contrast(color, onColor(color)) >= 4.5, color);
        }
      }
    }
  });

  test("only #rrggbb comes into a style sheet", () => {
    assert.equal(hexOf("#B45309"), "#B45309");
    for (const text of ["red", "#fff", "#B45309;}", "#B4530G", "", undefined]) assert.equal(hexOf(text), undefined);
  });
});

describe("links", () => {
  const cases: readonly [string, readonly (string | undefined)[]][] = [
    ["no address here", [undefined]],
    ["see https://a.example/b?c=d#e.", [undefined, "https://a.example/b?c=d#e", undefined]],
    ["(https://a.example)", [undefined, "https://a.example", undefined]],
    ["https://a.example/x_(y)", ["https://a.example/x_(y)"]],
    ["javascript:alert(1) data:text/html,x ftp://a.example", [undefined]],
    ["https://a.example https://b.example", ["https://a.example", undefined, "https://b.example"]],
    ['https://a.example"onclick="x', ["https://a.example", undefined]],
    ["https://", [undefined]],
  ];
  for (const [text, hrefs] of cases) {
    test(text, () => {
      const pieces = piecesOf(text);
      assert.deepEqual(
        pieces.map((piece) => piece.href),
        hrefs,
      );
      assert.equal(pieces.map((piece) => piece.text).join(""), text);
    });
  }
});

describe("lines", () => {
  const line = (seq: number, by: "Vic" | "Ben", minute: number, more: Partial<Message> = {}): Message => ({
    id: `m${seq}`,
    room: "r",
    seq,
    changed: seq,
    by: { kind: by === "Vic" ? "visitor" : "agent", id: by, name: by },
    kind: "text",
    text: `${seq}`,
    ts: new Date(2026, 10, 22, 10, minute).toISOString(),
    attachments: [],
    reactions: {},
    ...more,
  });
  const shape = (lines: readonly Message[], newAfter: number | null = null) =>
    itemsOf(lines, "Vic", newAfter).map((item) =>
      item.kind === "run" ? `${item.side} ${item.lines.map((one) => one.seq).join("+")}` : item.kind,
    );

  test("one author's lines are a run until another speaks or time passes", () => {
    const lines = [line(1, "Vic", 0), line(2, "Vic", 1), line(3, "Ben", 2), line(4, "Vic", 3), line(5, "Vic", 30)];
    assert.deepEqual(shape(lines), ["day", "mine 1+2", "team 3", "mine 4", "mine 5"]);
  });

  test("days, system lines and what is new divide runs", () => {
    const later = { ts: new Date(2026, 10, 23, 9).toISOString() };
    const lines = [
      line(1, "Ben", 0),
      line(2, "Ben", 1, { kind: "system" }),
      line(3, "Ben", 2),
      line(4, "Ben", 3, later),
    ];
    assert.deepEqual(shape(lines, 2), ["day", "team 1", "system", "new", "team 3", "day", "team 4"]);
  });

  test("a pending line keeps its key when the room shows it", () => {
    const me = { kind: "visitor", id: "Vic", name: "Vic" } as const;
    const pending = pendingLine({ cid: "c", room: "r", text: "1", at: Date.now(), state: "waiting" }, me);
    const [, before] = itemsOf([pending], "Vic", null);
    const [, after] = itemsOf([line(1, "Vic", 0, { cid: "c" })], "Vic", null);
    assert.equal(before?.key, after?.key);
  });
});

describe("times", () => {
  const now = new Date(2026, 10, 22, 12).getTime();
  const at = (day: number) => new Date(2026, 10, day, 23, 30).toISOString();
  const times = createTimes("en-GB", en);

  test("days are named from midnight to midnight", () => {
    assert.deepEqual(
      [22, 21, 20].map((day) => times.day(at(day), now)),
      ["Today", "Yesterday", "Friday 20 November"],
    );
  });

  test("a locale that nobody knows gives the browser's own", () => {
    assert.match(createTimes("not a tag", en).clock(at(22)), /30/);
  });
});

describe("one word for each thing", () => {
  test("a room is a room for visitors and agents", () => {
    for (const words of [en, panelWords, inboxWords]) {
      assert.doesNotMatch(JSON.stringify(words), /\b(conversation|thread|workspace|account|org)s?\b/i);
    }
  });
});

describe("what pages and browsers say in their own way", () => {
  test("a locale that is no BCP 47 tag gives the browser's own way to write dates, and no error", () => {
    assert.deepEqual(supported("en_US"), []);
    assert.deepEqual(supported("pl"), ["pl"]);
    assert.ok(new Date(0).toLocaleString(supported("en_US"), { weekday: "long" }));
  });

  test("Enter chooses a word in an input method, also where the composition is over by then", () => {
    const key = (said: object) => isComposing({ isComposing: false, keyCode: 13, ...said } as KeyboardEvent);
    assert.equal(key({ isComposing: true }), true);
    assert.equal(key({ keyCode: 229 }), true);
    assert.equal(key({}), false);
  });
});
