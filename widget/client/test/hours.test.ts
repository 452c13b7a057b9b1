import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { standingAt } from "../src/panel/hours.ts";

const HOURS = { open: false, changes: [1_000, 5_000, 9_000] };

describe("when a site is open", () => {
  test("a site without hours always is", () => {
    assert.deepEqual(standingAt(undefined, 7), { open: true, next: undefined });
  });

  test("before the first change it is as it was told", () => {
    assert.deepEqual(standingAt(HOURS, 999), { open: false, next: 1_000 });
  });

  test("at each change it turns, at that millisecond", () => {
    assert.deepEqual(standingAt(HOURS, 1_000), { open: true, next: 5_000 });
    assert.deepEqual(standingAt(HOURS, 4_999), { open: true, next: 5_000 });
    assert.deepEqual(standingAt(HOURS, 5_000), { open: false, next: 9_000 });
  });

  test("after the last one it stays", () => {
    assert.deepEqual(standingAt(HOURS, 9_001), { open: true, next: undefined });
  });
});
