/**
 * Virtual people made of the real client, at a real server, on lines that are cut: `node main.ts < plan.json > reports.json`.
 * It judges nothing; `tests/chaos/test_client_property.py` sees to it that the reports are compared with the database.
 */

import { text } from "node:stream/consumers";
import { seeded } from "../fake-clock.ts";
import { type Life, life, type Order, sleep } from "./life.ts";

interface Plan {
  readonly seed: number;
  /** Most milliseconds between two messages of one person. */
  readonly pace: number;
  readonly mutant: string;
  readonly people: readonly Order[];
}

/** Milliseconds to come to rest after the last cut. */
const PATIENCE = 60_000;
const AGAIN = 1_500;
/** To come back, on a machine that has much else to do. */
const RETURN = 3_000;

async function until(isTrue: () => boolean, ms = PATIENCE): Promise<boolean> {
  const end = Date.now() + ms;
  while (!isTrue() && Date.now() < end) await sleep(20);
  return isTrue();
}

/** Acks that were withheld come again after another welcome. */
async function settle(people: readonly Life[]): Promise<void> {
  const end = Date.now() + PATIENCE;
  while (Date.now() < end && !(await until(() => people.every((one) => one.isSettled()), AGAIN))) {
    for (const one of people) if (!one.isSettled()) one.line.cut();
  }
}

/** Whether everyone has come equally far in each room that they share. */
function isLevel(people: readonly Life[]): boolean {
  const heads = new Map<string, number>();
  for (const one of people) {
    const positions = one.positions();
    if (!positions) return false;
    for (const [room, last] of Object.entries(positions)) {
      if ((heads.get(room) ?? last) !== last) return false;
      heads.set(room, last);
    }
  }
  return true;
}

async function run({ seed, pace, mutant, people }: Plan): Promise<void> {
  const lives = people.map((order, at) => life(order, seeded(seed * 1_000 + at), pace, mutant));
  const longest = Math.max(...people.map((order) => order.messages * pace + order.kills * RETURN));
  await Promise.race([Promise.all(lives.map((one) => one.live())), sleep(PATIENCE + longest)]);
  for (const one of lives) one.rest();
  await settle(lives);
  for (const one of lives) one.line.cut();
  const level = await until(() => isLevel(lives));
  if (level) await Promise.race([Promise.all(lives.map((one) => one.readUp())), sleep(PATIENCE)]);
  const reports = lives.map((one) => one.report());
  process.stdout.write(JSON.stringify({ level, reports }), () => process.exit());
}

await run(JSON.parse(await text(process.stdin)) as Plan);
