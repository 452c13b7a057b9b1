import type { Connect, Handlers } from "../../src/core/transport.ts";
import { type Line, openLine } from "./line.ts";
import type { Mutant } from "./mutants.ts";

/** A line on which frames are lost, come twice, and end with their connection. */
export interface BadLine {
  readonly connect: Connect;
  /** Cuts what is connected now; false if nothing is. */
  cut(): boolean;
  /** The next thing said is said, and the line is cut before its answer is heard. */
  cutAfterNext(): void;
  /** From now on nothing happens by itself any more. */
  mend(): void;
  readonly counts: { kills: number; withheld: number; doubled: number; dropped: number; dials: number };
}

/** Chances. What is lost on a line that stands can be asked for again; an `ack` comes again after the next welcome. */
export const WITHHELD = 0.4;
export const DOUBLED = 0.1;
export const DROPPED = 0.02;
/** A late copy comes within so many milliseconds, and a deaf line is cut after so many. */
const LATE = 300;
export const DEAF = 40;

const tagOf = (text: string): string => (JSON.parse(text) as { readonly t: string }).t;

export function badLine(dice: () => number, mutant: Mutant): BadLine {
  const counts = { kills: 0, withheld: 0, doubled: 0, dropped: 0, dials: 0 };
  let line: Line | undefined;
  let isBad = true;
  let cutsDue = 0;

  const happens = (chance: number) => isBad && dice() < chance;

  function cut(): boolean {
    if (!line) return false;
    const old = line;
    line = undefined;
    counts.kills += 1;
    old.cut();
    return true;
  }

  /** Passes on what came, with what befell it. */
  function hear(text: string, { text: pass }: Handlers, isHere: () => boolean): void {
    const tag = tagOf(text);
    const isNews = tag === "msg" || tag === "upd";
    if (tag === "ack" && happens(WITHHELD)) {
      counts.withheld += 1;
      return;
    }
    if (isNews && happens(DROPPED)) {
      counts.dropped += 1;
      return;
    }
    pass(text);
    if (!happens(DOUBLED)) return;
    counts.doubled += 1;
    if (isHere()) pass(text);
    if (isNews) setTimeout(() => isHere() && pass(text), dice() * LATE);
  }

  const connect: Connect = (url, handlers) => {
    counts.dials += 1;
    let isDeaf = false;
    const isHere = () => line === mine && !isDeaf;
    const heard: Handlers = {
      open: () => isHere() && handlers.open(),
      text: (text) => isHere() && hear(mutant.hears(text), handlers, isHere),
      close(code) {
        if (line === mine) line = undefined;
        handlers.close(code);
      },
    };
    const mine = openLine(url, heard);
    line = mine;

    /** One that has ended by itself meanwhile leaves its cut to the next. */
    function cutThis(): void {
      if (line === mine) cut();
      else if (isBad) cutsDue += 1;
    }

    function say(text: string): void {
      if (line !== mine) return;
      mine.send(text);
      if (happens(DOUBLED)) mine.send(text);
    }

    return {
      send(text) {
        mutant.says(text, say, heard.text);
        if (cutsDue === 0 || isDeaf || !text.includes('"cid"')) return;
        cutsDue -= 1;
        isDeaf = true;
        setTimeout(() => cutThis(), dice() < 0.5 ? 0 : dice() * DEAF);
      },
      close() {
        if (line === mine) line = undefined;
        mine.close();
      },
    };
  };

  return {
    connect,
    cut,
    cutAfterNext() {
      cutsDue += 1;
    },
    mend() {
      isBad = false;
      cutsDue = 0;
    },
    counts,
  };
}
