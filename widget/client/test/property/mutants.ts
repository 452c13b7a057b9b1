import type { ClientFrames, Id } from "../../src/core/protocol.ts";

/** What a client with a defect would say and hear instead. The client itself is the real one: the defect stands between it and the line. */
export interface Mutant {
  /** Passes on what is said. `answer` makes the client hear something. */
  says(text: string, say: (text: string) => void, answer: (text: string) => void): void;
  hears(text: string): string;
}

type Said = ClientFrames["send"] | ClientFrames["hello"] | ClientFrames["join"];

const honest = (): Mutant => ({ says: (text, say) => say(text), hears: (text) => text });

/** Whether something was said before, by its cid. */
function memory(): (text: string) => Id | undefined {
  const known = new Set<Id>();
  return (text) => {
    const { cid } = JSON.parse(text) as { readonly cid?: Id };
    if (cid === undefined || known.has(cid)) return cid;
    known.add(cid);
    return undefined;
  };
}

/** Believes that it knows one number more than it does. */
const resumesAhead = (): Mutant => ({
  says(text, say) {
    const frame = JSON.parse(text) as Said;
    if (frame.t === "hello") {
      const rooms = (frame.rooms ?? []).map((one) => ({ ...one, after: one.after + 1 }));
      say(JSON.stringify({ ...frame, rooms }));
    } else if (frame.t === "join" && frame.after !== undefined) {
      say(JSON.stringify({ ...frame, after: frame.after + 1 }));
    } else say(text);
  },
  hears: (text) => text,
});

/** Says again what was not acknowledged as if it were something new. */
function newCidEachTime(): Mutant {
  const known = memory();
  const aliases = new Map<Id, Id>();
  return {
    says(text, say) {
      const cid = known(text);
      const alias = crypto.randomUUID();
      if (cid) aliases.set(alias, cid);
      say(cid ? text.replace(cid, alias) : text);
    },
    hears(text) {
      const { cid } = JSON.parse(text) as { readonly cid?: Id };
      return cid && aliases.has(cid) ? text.replace(cid, aliases.get(cid) ?? cid) : text;
    },
  };
}

/** Takes what it has said once for stored. */
function saysOnce(): Mutant {
  const known = memory();
  return {
    says(text, say, answer) {
      const cid = known(text);
      if (!cid) return say(text);
      const { room } = JSON.parse(text) as ClientFrames["send"];
      queueMicrotask(() => answer(JSON.stringify({ t: "ack", cid, room, seq: 0, id: cid, ts: "" })));
    },
    hears: (text) => text,
  };
}

/** Says again in the wrong order. */
function lastFirst(): Mutant {
  const known = memory();
  let again: string[] = [];
  return {
    says(text, say) {
      if (!known(text)) return say(text);
      again.push(text);
      if (again.length > 1) return;
      queueMicrotask(() => {
        for (const one of again.reverse()) say(one);
        again = [];
      });
    },
    hears: (text) => text,
  };
}

export const MUTANTS: Readonly<Record<string, () => Mutant>> = {
  none: honest,
  resumes_ahead: resumesAhead,
  new_cid_each_time: newCidEachTime,
  says_once: saysOnce,
  last_first: lastFirst,
};
