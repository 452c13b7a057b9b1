/** Where the visitor writes. */

import { ArrowUp } from "lucide";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { MAX_TEXT } from "../core/protocol.ts";
import { cleanText } from "../core/text.ts";
import { Icon } from "../ui/icon.tsx";
import type { Model } from "./model.ts";
import type { Texts } from "./text.ts";

/** From this many characters left on, they are counted. */
const NEAR = 400;

interface ComposerProps {
  readonly model: Model;
  readonly shown: boolean;
  readonly texts: Texts;
}

export function Composer({ model, shown, texts }: ComposerProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const text = model.draft();
  const limit = model.client.state().limits.text ?? MAX_TEXT;
  const length = [...cleanText(text)].length;
  const canSend = length > 0 && length <= limit;
  useHeight(field, text);
  useEffect(() => {
    if (shown) field.current?.focus();
  }, [shown]);

  const send = (event: Event) => {
    event.preventDefault();
    if (canSend) model.send();
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
  };
  const onBlur = () => {
    const room = model.room();
    if (room) model.client.typing(room.id, false);
  };

  return (
    <form class="composer" onSubmit={send}>
      <textarea
        ref={field}
        rows={1}
        dir="auto"
        enterkeyhint="send"
        aria-label={texts.composer}
        placeholder={texts.placeholder}
        value={text}
        onInput={(event) => model.write(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        onBlur={onBlur}
      />
      <Left count={limit - length} texts={texts} />
      <button type="submit" class="round send" aria-label={texts.send} title={texts.send} aria-disabled={!canSend}>
        <Icon node={ArrowUp} />
      </button>
    </form>
  );
}

function Left({ count, texts }: { readonly count: number; readonly texts: Texts }) {
  if (count >= NEAR) return null;
  return (
    <p class={count < 0 ? "count over" : "count"} aria-live="polite">
      {count < 0 ? texts.tooLong(-count) : texts.left(count)}
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
  }, [field, text]);
}
