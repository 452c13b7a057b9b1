/** Where the answer is written. What was begun in one room is there again when one comes back to it. */

import { SendHorizontal } from "lucide";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { MAX_TEXT, type Room } from "../core/index.ts";
import { Icon } from "../ui/icon.tsx";
import { goesOut } from "./connection.ts";
import type { Model } from "./model.ts";
import { en } from "./text.ts";

/** From this share of the limit on, what is left is said. */
const NEAR = 0.9;

interface ComposerProps {
  readonly model: Model;
  readonly room: Room;
  readonly name: string;
  readonly isResolved: boolean;
}

export function Composer({ model, room, name, isResolved }: ComposerProps) {
  const [text, setText] = useState(() => model.draft(room.id));
  const field = useRef<HTMLTextAreaElement>(null);
  const limit = model.view().chat.limits.text ?? MAX_TEXT;
  const length = [...text.trim()].length;
  const canSend = length > 0 && length <= limit && goesOut(model.view().connection);
  useHeight(field, text);
  useEffect(() => () => model.client.typing(room.id, false), []);

  const write = (next: string) => {
    setText(next);
    model.keepDraft(room.id, next);
    model.client.typing(room.id, next.trim() !== "");
  };
  const send = (event: Event) => {
    event.preventDefault();
    if (!canSend) return;
    model.client.send(room.id, text.trim());
    write("");
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !isComposing(event)) send(event);
  };

  return (
    <form class="composer" onSubmit={send}>
      <div class="composer-box">
        <textarea
          ref={field}
          id="composer"
          rows={1}
          dir="auto"
          enterkeyhint="send"
          aria-label={en.compose(name)}
          placeholder={en.compose(name)}
          value={text}
          onInput={(event) => write(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          onBlur={() => model.client.typing(room.id, false)}
        />
        <button type="submit" class={canSend ? "button lit flip" : "button flip"} aria-disabled={!canSend}>
          <Icon node={SendHorizontal} size={18} />
          <span class="wide">{en.send}</span>
        </button>
      </div>
      <Hint left={limit - length} limit={limit} isResolved={isResolved} />
    </form>
  );
}

/** Enter chooses a word in an input method. Safari ends the composition first and leaves only the key code to tell. */
const isComposing = (event: KeyboardEvent): boolean => event.isComposing || event.keyCode === 229;

interface HintProps {
  readonly left: number;
  readonly limit: number;
  readonly isResolved: boolean;
}

function Hint({ left, limit, isResolved }: HintProps) {
  const words = left < 0 ? en.tooLong(-left) : left < limit * (1 - NEAR) ? en.left(left) : "";
  return (
    <p class={left < 0 ? "hint over" : "hint"} aria-live="polite">
      {words || (isResolved ? en.resolvedNote : "")}
    </p>
  );
}

/** Grows with the text where the browser does not do it by itself. */
function useHeight(field: { readonly current: HTMLTextAreaElement | null }, text: string): void {
  useLayoutEffect(() => {
    const box = field.current;
    if (!box || CSS.supports("field-sizing", "content")) return;
    box.style.blockSize = "auto";
    box.style.blockSize = `${box.scrollHeight}px`;
  }, [text]);
}
