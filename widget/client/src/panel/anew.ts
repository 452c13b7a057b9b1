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
  /** The page around this panel has said that whoever began it may be a user now. Another tab's user is somebody else. */
  readonly isNamed: boolean;
  /** The community room that was shown; null for the visitor's own with the team. */
  readonly room: Id | null;
  readonly drafts: Drafts;
}

/** The page's answer of which a session was asked for last. */
let tried: string | undefined;

const kept = (): Begun | null => history.state;

/** Loads the panel anew, with what was begun. `named` is what the page has said just now; null: without what a user had begun. */
export function beginAnew(model: Model, named?: true | null): void {
  const visitor = model.who();
  const { room: shown, drafts } = model;
  const room = shown();
  const isCommunity = room?.summary?.kind === "community";
  const now = visitor && { visitor, isNamed: !!named, room: isCommunity ? room.id : null, drafts };
  const begun = kept() ?? now ?? null; // what was not given back yet is not in the composer
  history.replaceState(named === null && begun?.visitor.identified ? null : begun, "");
  location.reload();
}

/**
 * The page names its visitor from now on, or says that nobody is signed in. While a session is on its way it is not known who is
 * here, and what they write is nobody's yet: that is waited for.
 */
export async function turn(named: true | null, host: Host, sessions: Sessions, model: Model): Promise<void> {
  await sessions.running()?.catch(() => undefined);
  if (named !== host.hello.identity) beginAnew(model, named);
  else if (named) await askAgain(sessions, model);
}

/**
 * A page that named its visitor before may say it of a stranger who has signed in since, or of one who was not let in: it is asked,
 * and each answer counts once. That answer is for nobody else and is not kept. Where nobody is here yet, nothing need begin anew.
 */
async function askAgain(sessions: Sessions, model: Model): Promise<void> {
  if (sessions.visitor()?.identified) return;
  const { identity } = await sessions.introduced();
  if (!identity || identity === tried || sessions.visitor()?.identified) return;
  tried = identity;
  if (sessions.visitor()) beginAnew(model, true);
  else model.client.reconnect();
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
    const isTheirUser = begun.isNamed && !begun.visitor.identified && visitor.identified;
    if (visitor.id !== begun.visitor.id && !isTheirUser) return;
    for (const [room, text] of Object.entries(begun.drafts)) model.drafts[room] ||= text;
    if (begun.room) model.show(begun.room);
  }
}
