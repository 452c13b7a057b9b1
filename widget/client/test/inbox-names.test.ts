import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { namingAt, offered, withName } from "../src/inbox/names.ts";

const ADA = { id: "1", name: "Ada Lovelace" };
const BEN = { id: "2", name: "Ben" };
const ZOE = { id: "3", name: "Zoë Łucja" };
const names = (begun: string) => offered([ADA, BEN, ZOE], begun).map((one) => one.name);

describe("a name that is typed", () => {
  const cases: readonly [text: string, begun: string | null][] = [
    ["@", ""],
    ["hello @be", "be"],
    ["(@be", "be"],
    ["@ada lo", "ada lo"],
    ["@ada\n", null],
    ["ben@shop", null],
    ["@@", null],
    ["no name", null],
    ["@ben and @a", "a"],
  ];
  for (const [text, begun] of cases) {
    test(`in ${JSON.stringify(text)}`, () => assert.equal(namingAt(text, text.length)?.begun ?? null, begun));
  }

  test("ends at the caret", () => {
    assert.deepEqual(namingAt("@ben is here", 3), { from: 1, begun: "be" });
    assert.equal(namingAt("@ben", -1), null);
  });
});

describe("an offer", () => {
  test("is of names that begin so, by any of their words, in any case", () => {
    assert.deepEqual(names(""), ["Ada Lovelace", "Ben", "Zoë Łucja"]);
    assert.deepEqual(names("LOVE"), ["Ada Lovelace"]);
    assert.deepEqual(names("zoë"), ["Zoë Łucja"]);
    assert.deepEqual(names("x"), []);
  });

  test("ends with the name that is there: Enter sends it", () => {
    assert.deepEqual(names("be"), ["Ben"]);
    assert.deepEqual(names("ben"), []);
    assert.deepEqual(names("ben "), []);
  });

  test("is of a few", () => {
    const crowd = Array.from({ length: 20 }, (_, n) => ({ id: `${n}`, name: `Visitor ${n}` }));
    assert.equal(offered(crowd, "v").length, 5);
  });
});

test("a name that was picked is written out, with the caret behind it", () => {
  const naming = namingAt("ask @ad today", 7);
  assert.ok(naming);
  assert.deepEqual(withName("ask @ad today", naming, "Ada Lovelace"), { text: "ask @Ada Lovelace today", caret: 18 });
});
