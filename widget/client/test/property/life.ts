import { createClient } from "../../src/core/client.ts";
import type { Client } from "../../src/core/client-api.ts";
import { realClock } from "../../src/core/clock.ts";
import type { ErrorCode, Id, Message } from "../../src/core/protocol.ts";
import type { Room } from "../../src/core/state.ts";
import { linesOf } from "../../src/core/view.ts";
import { type BadLine, badLine } from "./faults.ts";
import { fickle } from "./fickle.ts";
import { MUTANTS, type Mutant } from "./mutants.ts";
import { badWall } from "./wall.ts";

/** What gets through to a person. */
const NETWORKS = {
  sockets: (dice: () => number, _token: string, mutant: Mutant) => badLine(dice, mutant),
  requests: (dice: () => number, token: string) => badWall(dice, token),
  "now these, now those": fickle,
};

/** One person of the run, as the test orders it. */
export interface Order {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  readonly rooms: readonly Id[];
  /** Messages to send; changes come on top. */
  readonly messages: number;
  readonly kills: number;
  readonly network: keyof typeof NETWORKS;
}

/** Something that was done, in the order in which it was. `code`: it was refused. */
interface Done {
  readonly kind: "send" | "edit" | "delete" | "react";
  readonly room: Id;
  readonly cid: Id;
  readonly message?: Id;
  readonly text?: string;
  readonly emoji?: string;
  readonly on?: boolean;
  code?: ErrorCode;
}

export interface Report {
  readonly name: string;
  readonly done: readonly Done[];
  readonly views: Readonly<Record<Id, readonly Message[]>>;
  readonly unsettled: number;
  /** What befell the line, and how much had to wait because the server said so. */
  readonly counts: BadLine["counts"] & { readonly waited: number };
}

export interface Life {
  readonly client: Client;
  readonly line: BadLine;
  /** Says and changes everything that was ordered. */
  live(): Promise<void>;
  /** Ends what is not done yet, and all harm. */
  rest(): void;
  /** Whether nothing of its own is under way. */
  isSettled(): boolean;
  /** How far it has come in each room, or nothing while it is behind. */
  positions(): Readonly<Record<Id, number>> | undefined;
  /** Reads every room to its beginning. */
  readUp(): Promise<void>;
  report(): Report;
}

const EMOJI = ["👍", "🎉", "❤️"];
/** Chance of a change after a message. */
const MEDDLES = 0.3;
const POLL = 20;

export const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** `pace`: milliseconds between two messages at most. */
export function life(order: Order, dice: () => number, pace: number, mutant: string): Life {
  const make = MUTANTS[mutant];
  if (!make) throw new Error(`there is no mutant ${mutant}`);
  const line = NETWORKS[order.network](dice, order.token, make());
  const done = new Map<Id, Done>();
  const waited = new Map<Id, ErrorCode>();
  let isOver = false;
  const client = createClient({
    getSession: async () => ({ token: order.token, expiresIn: 3_600, url: order.url }),
    connect: line.connect,
    surroundings: { visible: () => true, watch: () => () => {} },
    clock: { ...realClock, random: () => dice() * 0.02 }, // who is killed so often would wait for long
  });
  const any = <T>(list: readonly T[]): T | undefined => list[Math.floor(dice() * list.length)];
  const rooms = (): Room[] => order.rooms.flatMap((id) => client.state().rooms[id] ?? []);
  const open = () => client.state().pending.filter((one) => one.state !== "refused");

  client.subscribe(() => {
    for (const one of client.state().pending) {
      const known = done.get(one.cid);
      if (known && one.state === "refused" && one.code) known.code = one.code;
      if (one.state === "waiting" && one.code) waited.set(one.cid, one.code);
    }
  });

  function send(count: number): void {
    const room = any(order.rooms) as Id;
    const text = `${order.name} ${String(count).padStart(5, "0")}`;
    note({ kind: "send", room, text, cid: client.send(room, text) });
  }

  const note = (one: Done) => void done.set(one.cid, one);

  /** Changes one of the last lines in view: mine in any way, another's by a reaction. */
  function meddle(count: number): void {
    const room = any(rooms());
    const lines = room ? linesOf(client.state(), room).slice(-40) : [];
    const isMine = dice() < 0.6;
    const line = any(lines.filter((one) => !one.deleted && isMine === (one.by.id === client.state().me?.id)));
    if (!line) return;
    const about = { room: line.room, message: line.id };
    const fate = dice();
    if (!isMine || fate < 0.2) react(about);
    else if (fate < 0.36) note({ kind: "delete", ...about, cid: client.remove(line.room, line.id) });
    else edit(about, `${order.name} changed it at ${count}`);
  }

  function edit(about: { readonly room: Id; readonly message: Id }, text: string): void {
    note({ kind: "edit", ...about, text, cid: client.edit(about.room, about.message, text) });
  }

  function react(about: { readonly room: Id; readonly message: Id }): void {
    const emoji = any(EMOJI) as string;
    const on = dice() < 0.7;
    note({ kind: "react", ...about, emoji, on, cid: client.react(about.room, about.message, emoji, on) });
  }

  /** At which messages the line is cut: half of them right after, half at any time before. */
  function fates(): { readonly after: Set<number>; readonly before: Set<number> } {
    const [after, before] = [new Set<number>(), new Set<number>()];
    const most = Math.min(order.kills, order.messages);
    while (after.size < most / 2) after.add(Math.floor(dice() * order.messages));
    while (before.size < most - after.size) before.add(Math.floor(dice() * order.messages));
    return { after, before };
  }

  function rest(): void {
    isOver = true;
    line.mend();
  }

  async function live(): Promise<void> {
    const { after, before } = fates();
    client.start();
    for (const room of order.rooms) client.join(room);
    for (let count = 0; count < order.messages && !isOver; count += 1) {
      await sleep(dice() * pace);
      if (before.has(count)) await cutNow();
      if (after.has(count)) await online().then(line.cutAfterNext);
      send(count);
      if (dice() < MEDDLES) meddle(count);
    }
    rest();
  }

  /** A line that is being made anew counts as none. */
  async function online(): Promise<void> {
    while (client.status().state !== "online" && !isOver) await sleep(1);
  }

  async function cutNow(): Promise<void> {
    await online();
    while (!line.cut() && !isOver) await sleep(1);
  }

  function positions(): Readonly<Record<Id, number>> | undefined {
    const all = rooms();
    const isBehind = all.some((room) => !room.loaded || room.catchUp || room.last < room.head);
    if (client.status().state !== "online" || all.length < order.rooms.length || isBehind) return undefined;
    return Object.fromEntries(all.map((room) => [room.id, room.last]));
  }

  async function readUp(): Promise<void> {
    while (rooms().some((room) => room.more)) {
      for (const room of rooms()) client.older(room.id);
      await sleep(POLL / 10);
    }
  }

  return {
    client,
    line,
    live,
    rest,
    isSettled: () => open().length === 0,
    positions,
    readUp,
    report: () => ({
      name: order.name,
      done: [...done.values()],
      views: Object.fromEntries(rooms().map((room) => [room.id, linesOf(client.state(), room)])),
      unsettled: open().length,
      counts: { ...line.counts, waited: waited.size },
    }),
  };
}
