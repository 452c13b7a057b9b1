/** What the panel fetches after it is there: what one may do with a line, replies, edits, silences, other rooms. */

import { X } from "lucide";
import type { ComponentChildren } from "preact";
import type { Id, Message } from "../core/protocol.ts";
import type { Silence } from "../core/view.ts";
import { Icon } from "../ui/icon.tsx";
import type { Line } from "../ui/lines.ts";
import saidStyles from "../ui/said.css";
import { Quote, Said, showLine } from "../ui/said.tsx";
import { adopt } from "../ui/styles.ts";
import { actsOf } from "./acts.ts";
import styles from "./extras.css";
import { en } from "./extras-text.ts";
import type { Model, Task } from "./model.ts";
import type { Times } from "./time.ts";

export { RoomList } from "./rooms.tsx";

adopt(document, saidStyles, styles);

interface SaidLineProps {
  readonly line: Line;
  readonly model: Model;
  readonly children: ComponentChildren;
}

/** A bubble, and what belongs to it. */
export function SaidLine({ line, model, children }: SaidLineProps) {
  return (
    <Said line={line} acts={actsOf(model)} texts={en}>
      {children}
    </Said>
  );
}

/** The message that a line answers. */
export function Answered({ message, model }: { readonly message: Id; readonly model: Model }) {
  const found: Message | undefined = model.room()?.messages.find((one) => one.id === message);
  const isMine = found !== undefined && found.by.id === model.client.state().me?.id;
  return <Quote of={found} name={isMine ? en.you : undefined} texts={en} onShow={() => showLine(message)} />;
}

interface SilentProps {
  readonly silence: Silence;
  readonly times: Times;
}

/** Why nothing may be written, and until when if that is known. */
export function Silent({ silence, times }: SilentProps) {
  const words = en.silent[silence.code];
  const until = silence.until && new Date(silence.until).toISOString();
  return (
    <p class="silent" role="status">
      {until ? en.until(words, times.moment(until, Date.now())) : words}
    </p>
  );
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
