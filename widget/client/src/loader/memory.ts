/** What the loader keeps in the host's own storage, and only after the visitor opened the panel. Storage may be blocked. */

import type { Look } from "../port.ts";

export interface Memory {
  /** How the site looked when it was last opened. */
  readonly look?: Look;
  /** The visitor's handle, on a browser that keeps no cookie for the frame. */
  readonly handle?: string;
}

const PREFIX = "porchlight:";

export function recall(key: string): Memory {
  try {
    return { ...JSON.parse(localStorage.getItem(PREFIX + key) as string) };
  } catch {
    return {};
  }
}

export function remember(key: string, more: Memory): void {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify({ ...recall(key), ...more }));
  } catch {
    // The chat works for the life of this page.
  }
}
