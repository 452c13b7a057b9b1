/** Who put which emoji under a message. A server names at most 20 people under one emoji and counts the others. Pure. */

import type { Id, Message, Reacted } from "./protocol.ts";

const NOBODY: Reacted = { n: 0, who: [] };

/** Whether this person stands under the emoji, as far as it is known. */
export const hasReacted = (message: Message, emoji: string, who: Id | undefined): boolean =>
  who !== undefined && (message.reactions[emoji] ?? NOBODY).who.includes(who);

/** The message after I put the emoji there, or took it away. */
export function withReaction(message: Message, emoji: string, on: boolean, me: Id): Message {
  if (hasReacted(message, emoji, me) === on) return message;
  const known = message.reactions[emoji] ?? NOBODY;
  return withEmoji(message, emoji, { n: known.n + (on ? 1 : -1), who: named(known, on, me) });
}

/** What the server acknowledged of me: its own counts stay, since they hold mine already. */
export function withMe(message: Message, emoji: string, on: boolean, me: Id): Message {
  const known = message.reactions[emoji];
  if (!known || hasReacted(message, emoji, me) === on) return message;
  return withEmoji(message, emoji, { n: known.n, who: named(known, on, me) });
}

/** A frame for everyone may leave me out of a crowd under an emoji: what I know of myself stays. */
export function keepMe(known: Message | undefined, found: Message, me: Id | undefined): Message {
  if (!known || me === undefined) return found;
  const crowded = Object.entries(found.reactions).filter(([, { n, who }]) => n > who.length);
  return crowded
    .filter(([emoji]) => hasReacted(known, emoji, me))
    .reduce((message, [emoji]) => withMe(message, emoji, true, me), found);
}

const named = ({ who }: Reacted, on: boolean, me: Id): Id[] => {
  const others = who.filter((one) => one !== me);
  return on ? [me, ...others] : others;
};

function withEmoji(message: Message, emoji: string, next: Reacted): Message {
  const { [emoji]: _old, ...others } = message.reactions;
  if (next.n <= 0) return { ...message, reactions: others };
  return { ...message, reactions: { ...message.reactions, [emoji]: next } };
}
