/** What stands in the panel when the chat cannot go on: what happened, and what to do. */

import { Close } from "../core/protocol.ts";
import { en } from "./extras-text.ts";
import type { Model } from "./model.ts";

interface StoppedProps {
  readonly code: number;
  /** Absent where trying again is useless. */
  readonly model?: Model;
}

export function Stopped({ code, model }: StoppedProps) {
  const isOld = code === Close.badProtocol || code === Close.clientTooOld;
  const again = isOld ? () => reload(model) : model?.client.reconnect;
  return (
    <div class="stopped" role="alert">
      <p>{en.stopped[code] ?? en.stoppedOther}</p>
      {again && (
        <button type="button" class="plain" onClick={again}>
          {en.retry}
        </button>
      )}
    </div>
  );
}

/** What was begun outlives it in the frame's own history, which ends with the frame: nothing is stored. */
function reload(model: Model | undefined): void {
  history.replaceState(model?.drafts, "");
  location.reload();
}
