import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { type ClientFrame, decode, encode, isFinal, type ServerFrame } from "../src/core/protocol.ts";
import { EMPTY } from "../src/core/state.ts";
import { reduce } from "../src/core/store.ts";
import { bounded, cleanText } from "../src/core/text.ts";

interface Golden {
  readonly version: number;
  readonly client: Readonly<Record<string, readonly ClientFrame[]>>;
  readonly server: Readonly<Record<string, readonly ServerFrame[]>>;
}

const golden = JSON.parse(
  readFileSync(new URL("../../../tests/contract/frames.json", import.meta.url), "utf8"),
) as Golden;

describe("the golden frames that both ends read", () => {
  for (const [name, frames] of Object.entries(golden.server)) {
    test(`${name} is understood, whole`, () => {
      for (const frame of frames) assert.deepEqual(decode(JSON.stringify(frame)), frame);
    });

    test(`${name} is taken by the store`, () => {
      for (const frame of frames) assert.ok(reduce(undefined, { type: "frame", frame, now: 0 }));
    });
  }

  for (const [name, frames] of Object.entries(golden.client)) {
    test(`${name} travels as it stands`, () => {
      for (const frame of frames) {
        assert.equal(frame.t, name);
        assert.deepEqual(JSON.parse(encode(frame)), frame);
      }
    });
  }
});

describe("what is no frame", () => {
  const texts = ["", "hello?", "null", "[]", '"msg"', "{}"];
  for (const text of texts) {
    test(text || "nothing", () => assert.equal(decode(text), undefined));
  }
});

test("a frame of a newer server changes nothing", () => {
  const frame = decode('{"t":"shout","room":"r"}') as ServerFrame;
  assert.equal(reduce(EMPTY, { type: "frame", frame, now: 0 }), EMPTY);
});

describe("what may not travel", () => {
  const cases: readonly [string, string, string][] = [
    ["control characters", "a\u0000b\u0007c\u009bd", "abcd"],
    ["halves of a pair", "a\ud800b", "ab"],
    ["a whole pair stays", "a🪔b", "a🪔b"],
    ["line breaks and tabs stay", "a\n\tb", "a\n\tb"],
    ["white space around", " \n a \u2003", "a"],
  ];
  for (const [name, text, clean] of cases) test(name, () => assert.equal(cleanText(text), clean));

  test("a cut never leaves half a character", () => assert.equal(bounded("ab🪔", 3), "ab"));
});

test("4400 to 4499 end it, nothing else does", () => {
  assert.deepEqual([1000, 1012, 4000, 4399, 4400, 4409, 4499, 4500].map(isFinal), [
    false,
    false,
    false,
    false,
    true,
    true,
    true,
    false,
  ]);
});
