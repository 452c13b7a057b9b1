/** Where the visitor writes: a message, a reply, or an edit of what they said. */

import { ArrowUp, Check } from "lucide";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { MAX_TEXT } from "../core/protocol.ts";
import { cleanText } from "../core/text.ts";
import { type Silence, silenceOf } from "../core/view.ts";
import { isComposing } from "../ui/composing.ts";
import { Icon } from "../ui/icon.tsx";
import { Doing, Silent } from "./later.ts";
import type { Model } from "./model.ts";
import type { Texts } from "./text.ts";

/** From this many characters left on, they are counted. */
const NEAR = 400;
const SECOND = 1_000;

interface ComposerProps {
  readonly model: Model;
  readonly shown: boolean;
  readonly locale: string;
  readonly texts: Texts;
}

export function Composer({ model, shown, locale, texts }: ComposerProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const text = model.draft();
  const task = model.task();
  const silence = useSilence(model);
  const limit = model.client.state().limits.text ?? MAX_TEXT;
  const length = [...cleanText(text)].length;
  const canSend = length > 0 && length <= limit && (silence?.code !== "slow_mode" || task?.what === "edit");
  useHeight(field, text);
  useEffect(() => {
    if (shown) field.current?.focus();
  }, [shown, task]);

  if (silence && silence.code !== "slow_mode") return <Silent silence={silence} locale={locale} />;

  const send = (event: Event) => {
    event.preventDefault();
    if (canSend) model.send();
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !isComposing(event)) send(event);
    if (event.key !== "Escape" || !task) return;
    event.stopPropagation();
    model.begin(undefined);
  };
  const onBlur = () => {
    const room = model.room();
    if (room) model.client.typing(room.id, false);
  };
  const words = task?.what === "edit" ? texts.save : texts.send;

  return (
    <form class="composer" onSubmit={send}>
      {task && <Doing task={task} onCancel={() => model.begin(undefined)} />}
      <div class="writing">
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          enterkeyhint="send"
          aria-label={task?.what === "edit" ? texts.editing : texts.composer}
          placeholder={texts.placeholder}
          value={text}
          onInput={(event) => model.write(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          onBlur={onBlur}
        />
        <button type="submit" class="round send" aria-label={words} title={words} aria-disabled={!canSend}>
          <Icon node={task?.what === "edit" ? Check : ArrowUp} />
        </button>
      </div>
      {silence?.until ? (
        <p class="count">{texts.wait(Math.max(1, Math.ceil((silence.until - Date.now()) / SECOND)))}</p>
      ) : (
        <Left count={limit - length} texts={texts} />
      )}
    </form>
  );
}

function useSilence(model: Model): Silence | undefined {
  const room = model.room();
  return room && silenceOf(model.client.state(), room, Date.now());
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
