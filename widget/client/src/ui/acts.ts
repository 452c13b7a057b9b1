/** What one may do with a line, and the words for it. Pure. */

import type { Id } from "../core/protocol.ts";
import type { Line } from "./lines.ts";

/** Offered before all others: agreed, thanks, joy, done, surprise, doubt. */
export const EMOJI = ["👍", "❤️", "😂", "🎉", "😮", "🤔"] as const;

export interface Acts {
  /** Whose lines are mine. */
  readonly me: Id | undefined;
  /** Whether I may write in this room at all. */
  readonly canWrite: boolean;
  /** Whether I may remove others' lines. */
  readonly canModerate: boolean;
  react(line: Line, emoji: string, on: boolean): void;
  reply(line: Line): void;
  edit(line: Line): void;
  remove(line: Line): void;
  /** Sends a refused change again, or gives it up. */
  again(line: Line): void;
  giveUp(line: Line): void;
  /** Shows the message that a line answers. */
  show(message: Id): void;
  /** What else may be done with a line here. */
  extras(line: Line): readonly Extra[];
}

export interface Extra {
  readonly words: string;
  readonly done: string;
  act(): Promise<void>;
}

export interface ActTexts {
  readonly more: string;
  readonly react: (emoji: string) => string;
  readonly reacted: (emoji: string, count: number) => string;
  readonly reply: string;
  readonly edit: string;
  readonly remove: string;
  readonly removeSure: string;
  readonly failed: string;
  readonly notChanged: string;
  readonly retry: string;
  readonly dismiss: string;
  readonly quoteGone: string;
  readonly quoteAway: string;
  readonly mute: string;
  readonly muted: string;
  readonly ban: string;
  readonly banned: string;
}

/** A line that is stored, not removed, and said by a person. */
const isSettled = (line: Line): boolean => !line.pending && !line.deleted && line.kind !== "system";

export interface Allowed {
  readonly react: boolean;
  readonly reply: boolean;
  readonly edit: boolean;
  readonly remove: boolean;
  readonly extras: readonly Extra[];
}

export function allowed(line: Line, acts: Acts): Allowed {
  const settled = isSettled(line);
  const isMine = acts.me !== undefined && line.by.id === acts.me;
  const writes = settled && acts.canWrite;
  return {
    react: writes,
    reply: writes,
    edit: writes && isMine && line.kind === "text",
    remove: settled && (isMine || acts.canModerate),
    extras: settled ? acts.extras(line) : [],
  };
}

export const isAny = (may: Allowed): boolean =>
  may.react || may.reply || may.edit || may.remove || may.extras.length > 0;
