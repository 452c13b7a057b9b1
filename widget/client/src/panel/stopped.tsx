/** What stands in the panel when the chat cannot go on: what happened, and what to do. */

import { Close } from "../core/protocol.ts";
import { en } from "./extras-text.ts";

interface StoppedProps {
  readonly code: number;
  /** Absent where trying again is useless. */
  readonly onRetry?: () => void;
}

export function Stopped({ code, onRetry }: StoppedProps) {
  const isOld = code === Close.badProtocol || code === Close.clientTooOld;
  const again = isOld ? () => location.reload() : onRetry;
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
