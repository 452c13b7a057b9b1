/** What stands in the panel when the chat cannot go on: what happened, and what to do. */

import { Close } from "../core/protocol.ts";
import { beginAnew } from "./anew.ts";
import { en } from "./extras-text.ts";
import type { Model } from "./model.ts";

interface StoppedProps {
  readonly code: number;
  /** Absent where trying again is useless. */
  readonly model?: Model;
}

export function Stopped({ code, model }: StoppedProps) {
  const isOld = code === Close.badProtocol || code === Close.clientTooOld;
  const again = isOld && model ? () => beginAnew(model) : model?.client.reconnect;
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
