/** Names behind an `@`, as they are written: what is being typed, and who may be meant. Pure. */

import type { Id } from "../core/index.ts";

export interface Called {
  readonly id: Id;
  readonly name: string;
}

/** A name that is being typed: what stands between its `@` and the caret. */
export interface Naming {
  readonly from: number;
  readonly begun: string;
}

const MOST = 5;
const BEGUN = /(?:^|[^\p{L}\p{N}_@.+-])@([^\n@]{0,40})$/u;

/** What is being typed as a name at the caret, if anything is. */
export function namingAt(text: string, caret: number): Naming | null {
  const begun = BEGUN.exec(text.slice(0, Math.max(0, caret)))?.[1];
  return begun === undefined ? null : { from: caret - begun.length, begun };
}

/** Whose name, or a word of it, begins so. A name that is typed already needs no offer. */
export function offered(people: readonly Called[], begun: string): readonly Called[] {
  const wanted = begun.toLowerCase();
  const fits = ({ name }: Called) => {
    const all = name.toLowerCase();
    return all !== wanted && (all.startsWith(wanted) || (wanted !== "" && all.includes(` ${wanted}`)));
  };
  return people.filter(fits).slice(0, MOST);
}

/** The text with the name written out, and where the caret goes. */
export function withName(text: string, { from, begun }: Naming, name: string): { text: string; caret: number } {
  const rest = text.slice(from + begun.length).replace(/^ /, "");
  return { text: `${text.slice(0, from)}${name} ${rest}`, caret: from + name.length + 1 };
}
