/** What the page says of who is here. Whoever is gone leaves nothing on a shared computer's screen: that waits for no fetch. */

import type { Host } from "./host.ts";
import type { Model } from "./model.ts";
import type { Sessions } from "./session.ts";

export const anew = () => import("./anew.ts");

/** Loads the panel anew with nothing in it: somebody else is here. */
export function leave(): void {
  history.replaceState(null, "");
  location.reload();
}

/** A user who signs out leaves at once. All else is looked at with more code; where that does not come, what is new begins with nothing. */
export function heed(host: Host, sessions: Sessions, model: Model, fetched = anew): void {
  const end = host.listen((message) => {
    if (message.t !== "who") return;
    const { identity } = message;
    const isNew = identity !== host.hello.identity;
    if (isNew && !identity && sessions.visitor()?.identified !== false) {
      end();
      leave();
    } else
      fetched().then(
        ({ turn }) => turn(identity, host, sessions, model),
        () => isNew && leave(),
      );
  });
}
