import type { Connect, Signal } from "../../src/core/transport.ts";
import { type BadLine, badLine } from "./faults.ts";
import type { Mutant } from "./mutants.ts";
import { badWall } from "./wall.ts";

/** How long sockets get through, or do not. Milliseconds, at least and on top. */
const SPELL = 400;
const MORE = 1_600;

/** A network that lets sockets through for a while, and for a while only requests, both of them badly. */
export function fickle(dice: () => number, token: string, mutant: Mutant): BadLine {
  const watchers = new Set<(signal: Signal) => void>();
  const sockets = badLine(dice, mutant);
  let isOpen = false;
  let isOver = false;

  const direct: Connect = (...line) => {
    if (isOpen) return sockets.connect(...line);
    const refused = setTimeout(() => line[1].close(1006));
    return { send() {}, close: () => clearTimeout(refused) };
  };

  const surroundings = {
    visible: () => true,
    watch(fn: (signal: Signal) => void) {
      watchers.add(fn);
      return () => void watchers.delete(fn);
    },
  };

  const requests = badWall(dice, token, direct, surroundings);

  function turn(): void {
    if (isOver) return;
    isOpen = !isOpen;
    if (isOpen) for (const tell of watchers) tell("wake");
    else sockets.cut();
    setTimeout(turn, SPELL + dice() * MORE);
  }
  setTimeout(turn, SPELL);

  const both = (name: keyof BadLine["counts"]) => sockets.counts[name] + requests.counts[name];
  return {
    connect: requests.connect,
    cut: () => sockets.cut() || requests.cut(),
    cutAfterNext() {
      (isOpen ? sockets : requests).cutAfterNext();
    },
    mend() {
      isOver = true;
      sockets.mend();
      requests.mend();
    },
    get counts() {
      return {
        kills: both("kills"),
        withheld: both("withheld"),
        doubled: both("doubled"),
        dropped: both("dropped"),
        dials: both("dials"),
      };
    },
  };
}
