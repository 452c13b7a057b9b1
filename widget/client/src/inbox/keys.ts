/** Which key means what. Pure, so that the list of shortcuts can be tested without a page. */

export type Command = "next" | "previous" | "answer" | "note" | "status" | "back" | "help";

export interface Stroke {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  j: "next",
  ArrowDown: "next",
  k: "previous",
  ArrowUp: "previous",
  r: "answer",
  n: "note",
  e: "status",
  Escape: "back",
  "?": "help",
};

/** Where the key was pressed: `field` takes text, `scroller` the arrows, `dialog` all keys; `page` is everywhere else. */
export type Place = "field" | "scroller" | "dialog" | "page";

/** The command of a key, or null when it belongs to the place where it was pressed. */
export function commandOf(stroke: Stroke, place: Place): Command | null {
  if (place === "dialog" || stroke.ctrlKey || stroke.metaKey || stroke.altKey) return null;
  if (place === "field" && stroke.key !== "Escape") return null;
  if (place === "scroller" && stroke.key.startsWith("Arrow")) return null;
  const key = stroke.key.length === 1 ? stroke.key.toLowerCase() : stroke.key;
  return COMMANDS[key] ?? null;
}
