import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "../src/core/retry.ts";

test("the longest wait doubles from 300 ms and stops at 20 s", () => {
  const longest = [0, 1, 2, 3, 6, 7, 40].map((attempt) => backoff(attempt, () => 1));
  assert.deepEqual(longest, [300, 600, 1200, 2400, 19_200, 20_000, 20_000]);
});

test("chance spreads the wait down to nothing", () => {
  assert.equal(
    backoff(5, () => 0),
    0,
  );
  assert.equal(
    backoff(5, () => 0.25),
    2400,
  );
});
