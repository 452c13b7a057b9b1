/**
 * Somebody else may be here now: the panel begins anew, and what was begun goes along where it stays with who began it. It waits
 * in the history of the frame, which ends with the frame: nothing is stored. Fetched when that happens.
 */

import type { Id } from "../core/protocol.ts";
import type { Host } from "./host.ts";
import type { Drafts, Model } from "./model.ts";
import type { Sessions, Visitor } from "./session.ts";

interface Begun {
  readonly visitor: Visitor;
  /** The community room that was shown; null for the visitor's own with the team. */
  readonly room: Id | null;
  readonly drafts: Drafts;
}

const kept = (): Begun | null => history.state;

/** Loads the panel anew, with what was begun. Where a user has signed out, without: the next one here reads none of it. */
export function beginAnew(model: Model, isSignedOut = false): void {
  const visitor = model.who();
  const { room: shown, drafts } = model;
  const room = shown();
  const now = visitor && { visitor, room: room?.summary?.kind === "community" ? room.id : null, drafts };
  const begun = kept() ?? now ?? null; // what was not given back yet is not in the composer
  history.replaceState(isSignedOut && begun?.visitor.identified ? null : begun, "");
  location.reload();
}

/**
 * The page names its visitor from now on, or says that nobody is signed in. One that did so before may say it of a stranger who has
 * signed in since: it is asked. What it answers is for nobody else and is not kept.
 */
export async function turn(named: true | null, host: Host, sessions: Sessions, model: Model): Promise<void> {
  if (named !== host.hello.identity) return beginAnew(model, !named);
  if (!named || sessions.visitor()?.identified) return;
  const { identity } = await sessions.introduced();
  if (identity) beginAnew(model);
}

/** Gives back what was begun, once it is known who is here: to whoever began it, and to the user whom a stranger turned out to be. */
export function resume(model: Model): void {
  const begun = kept();
  const end = model.client.on("welcome", take);
  take();

  function take(): void {
    const visitor = model.who();
    if (!begun || !visitor) return;
    end();
    history.replaceState(null, "");
    if (visitor.id !== begun.visitor.id && !(visitor.identified && !begun.visitor.identified)) return;
    for (const [room, text] of Object.entries(begun.drafts)) model.drafts[room] ||= text;
    model.show(begun.room);
  }
}
