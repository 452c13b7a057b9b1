/** What the panel fetches after it is there: lines and what one may do with them, replies, edits, silences, other rooms. */

import { X } from "lucide";
import type { Silence } from "../core/view.ts";
import { Icon } from "../ui/icon.tsx";
import saidStyles from "../ui/said.css";
import { Quote } from "../ui/said.tsx";
import { adopt } from "../ui/styles.ts";
import logStyles from "./conversation.css";
import styles from "./extras.css";
import { en } from "./extras-text.ts";
import type { Task } from "./model.ts";
import { createTimes, supported } from "./time.ts";

export { Conversation } from "./conversation.tsx";
export { Back, Leave } from "./elsewhere.tsx";
export { Invited } from "./invited.tsx";
export { RoomList } from "./rooms.tsx";
export { Stopped } from "./stopped.tsx";

adopt(document, logStyles, saidStyles, styles);

interface SilentProps {
  readonly silence: Silence;
  readonly locale: string;
}

/** Why nothing may be written, and until when if that is known. */
export function Silent({ silence, locale }: SilentProps) {
  const words = en.silent[silence.code];
  const until = silence.until && new Date(silence.until).toISOString();
  return (
    <p class="silent" role="status">
      {until ? en.until(words, createTimes(locale, en).moment(until, Date.now())) : words}
    </p>
  );
}

interface OpensProps {
  /** Milliseconds since the epoch; absent where nobody knows. */
  readonly at: number | undefined;
  readonly locale: string;
}

const MOMENT = { weekday: "long", day: "numeric", month: "long", hour: "numeric", minute: "2-digit" } as const;

/** When a site that is closed opens again. */
export function Opens({ at, locale }: OpensProps) {
  return <>{at && en.opens(new Date(at).toLocaleString(supported(locale), MOMENT))}</>;
}

interface DoingProps {
  readonly task: Task;
  readonly onCancel: () => void;
}

/** What the composer is for when it is not for a new message. */
export function Doing({ task, onCancel }: DoingProps) {
  return (
    <div class="doing">
      <div>
        <p>{task.what === "edit" ? en.editing : en.replying(task.line.by.name)}</p>
        {task.what === "reply" && <Quote of={task.line} name="" texts={en} />}
      </div>
      <button type="button" class="round" aria-label={en.cancel} title={en.cancel} onClick={onCancel}>
        <Icon node={X} size={16} />
      </button>
    </div>
  );
}
