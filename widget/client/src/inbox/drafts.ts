/** What was begun in each room. The tab keeps it over reloads and other pages, until it is sent or its writer signs out. */

import type { Id } from "../core/index.ts";

export interface Drafts {
  of(room: Id): string;
  /** No text forgets it. */
  keep(room: Id, text: string): void;
  areThere(): boolean;
  forget(): void;
}

/** `console.js` takes it away at a sign-out, too. */
const NAME = "porchlight:drafts";

interface Kept {
  readonly owner: Id;
  readonly texts: readonly (readonly [room: Id, text: string])[];
}

/** Those of this writer; what another one left in this tab goes. Where the browser keeps nothing they last as long as the page. */
export function createDrafts(owner: Id, storage: () => Storage = () => sessionStorage): Drafts {
  const texts = new Map(read());

  function read(): Kept["texts"] {
    try {
      const kept = JSON.parse(storage().getItem(NAME) ?? "null") as Kept | null;
      if (kept?.owner === owner) return kept.texts;
      storage().removeItem(NAME);
    } catch {
      // Storage is shut, or holds nonsense.
    }
    return [];
  }

  function write(): void {
    try {
      if (texts.size === 0) storage().removeItem(NAME);
      else storage().setItem(NAME, JSON.stringify({ owner, texts: [...texts] } satisfies Kept));
    } catch {
      // It lasts as long as the page.
    }
  }

  return {
    of: (room) => texts.get(room) ?? "",
    keep(room, text) {
      if (text) texts.set(room, text);
      else texts.delete(room);
      write();
    },
    areThere: () => texts.size > 0,
    forget() {
      texts.clear();
      write();
    },
  };
}
