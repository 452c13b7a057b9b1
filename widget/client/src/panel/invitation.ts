/** Taking up the invitation that the page's address brought along. */

import type { Model } from "./model.ts";
import { accept } from "./rooms-acts.ts";

/** What the server says of a code that is unknown, used up, withdrawn or over. */
const GONE = "404";

/**
 * Leads the visitor into the room as soon as they are known, and calls `onOver` if the invitation lets nobody in any more. It is
 * answered once; where no answer comes it is tried again with the next connection. Returns what ends it.
 */
export function takeUp(model: Model, onOver: () => void): () => void {
  const code = model.invitation ?? "";
  let isAsked = false;

  async function ask(): Promise<void> {
    if (isAsked || !model.client.state().me) return;
    isAsked = true;
    try {
      model.show((await accept(model.api.ask, code)).id);
    } catch (error) {
      isAsked = (error as Error).message === GONE;
      if (isAsked) onOver();
    }
  }

  void ask();
  return model.client.on("welcome", () => void ask());
}
