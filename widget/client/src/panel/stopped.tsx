/** What stands in the panel when the chat cannot go on: what happened, and what to do. */

import { Close } from "../core/protocol.ts";
import type { Texts } from "./text.ts";

interface StoppedProps {
  readonly code: number;
  readonly texts: Texts;
  /** Absent where trying again is useless. */
  readonly onRetry?: () => void;
}

export function Stopped({ code, texts, onRetry }: StoppedProps) {
  const isOld = code === Close.badProtocol || code === Close.clientTooOld;
  const again = isOld ? () => location.reload() : onRetry;
  return (
    <div class="stopped" role="alert">
      <p>{texts.stopped[code] ?? texts.stoppedOther}</p>
      {again && (
        <button type="button" class="plain" onClick={again}>
          {texts.retry}
        </button>
      )}
    </div>
  );
}
