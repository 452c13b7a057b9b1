/** Where answers and notes are written. What was begun in one room is there again when one comes back to it. */

import { Check, SendHorizontal, X } from "lucide";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Id, MAX_TEXT, type Room, silenceOf } from "../core/index.ts";
import { isComposing } from "../ui/composing.ts";
import { Icon } from "../ui/icon.tsx";
import { Quote } from "../ui/said.tsx";
import { goesOut } from "./connection.ts";
import { notesOf } from "./conversation.ts";
import type { Model, Task } from "./model.ts";
import type { Called } from "./names.ts";
import { Offered, optionOf, useOffer } from "./naming.tsx";
import { IconButton } from "./parts.tsx";
import { en } from "./text.ts";

/** From this share of the limit on, what is left is said. */
const NEAR = 0.9;

const NOBODY: readonly Called[] = [];

interface ComposerProps {
  readonly model: Model;
  readonly room: Room;
  readonly name: string;
  readonly isResolved: boolean;
}

/** The room's composer, and above it whom it is for. */
export function Composer({ model, room, name, isResolved }: ComposerProps) {
  const { chat, task, isNoting, takenBack, team } = model.view();
  const notes = notesOf(chat, room);
  const target = isNoting && notes ? notes : room;
  const isSupport = room.summary?.kind === "support";
  const silence = silenceOf(chat, room, Date.now());
  if (silence) return <p class="strip">{en.silent[silence.code]}</p>;
  return (
    <div class={target === notes ? "composer noting" : "composer"}>
      {notes && <Whom isNoting={isNoting} onChoose={model.note} />}
      {task && <Doing task={task} onCancel={() => model.begin(null)} />}
      <Writing
        key={`${target.id} ${task?.what} ${task?.line.id} ${takenBack}`}
        model={model}
        target={target.id}
        task={task}
        words={target === notes ? en.composeNote : isSupport ? en.compose(name) : en.composeIn(name)}
        people={target.summary?.kind === "community" ? room.people : target === notes || !isSupport ? team : NOBODY}
        hint={target === notes ? en.noteHint : isResolved ? en.resolvedNote : ""}
      />
    </div>
  );
}

function Whom({ isNoting, onChoose }: { readonly isNoting: boolean; readonly onChoose: (noting: boolean) => void }) {
  return (
    <fieldset class="tabs whom">
      <legend class="unseen">{en.writeWhat}</legend>
      {[false, true].map((noting) => (
        <button
          key={en.note}
          type="button"
          class="tab"
          aria-pressed={noting === isNoting}
          onClick={() => onChoose(noting)}
        >
          {noting ? en.note : en.answer}
        </button>
      ))}
    </fieldset>
  );
}

function Doing({ task, onCancel }: { readonly task: Task; readonly onCancel: () => void }) {
  return (
    <div class="doing">
      <div>
        <p>{task.what === "edit" ? en.editing : en.replying(task.line.by.name)}</p>
        {task.what === "reply" && <Quote of={task.line} name="" texts={en.acts} />}
      </div>
      <IconButton node={X} label={en.cancel} onClick={onCancel} />
    </div>
  );
}

interface WritingProps {
  readonly model: Model;
  readonly target: Id;
  readonly task: Task | null;
  readonly words: string;
  readonly hint: string;
  /** Who can be named here. */
  readonly people: readonly Called[];
}

function Writing({ model, target, task, words, hint, people }: WritingProps) {
  const isEdit = task?.what === "edit";
  const [text, setText] = useState(() => (isEdit ? task.line.text : model.drafts.of(target)));
  const field = useRef<HTMLTextAreaElement>(null);
  const limit = model.view().chat.limits.text ?? MAX_TEXT;
  const length = [...text.trim()].length;
  const canSend = length > 0 && length <= limit && goesOut(model.view().connection);
  useHeight(field, text);
  useFocus(field, task !== null || model.view().isNoting);
  useEffect(() => () => model.client.typing(target, false), []);

  const write = (next: string) => {
    setText(next);
    if (isEdit) return;
    model.drafts.keep(target, next);
    model.client.typing(target, next.trim() !== "");
  };
  const offer = useOffer(field, text, people, write);
  const follow = (event: { readonly currentTarget: HTMLTextAreaElement }) =>
    offer.follow(event.currentTarget.selectionStart);
  const send = (event: Event) => {
    event.preventDefault();
    if (!canSend) return;
    write("");
    if (isEdit) model.client.edit(target, task.line.id, text.trim());
    else model.client.send(target, text.trim(), task ? { replyTo: task.line.id } : {});
    model.begin(null);
    document.getElementById("composer")?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!isComposing(event) && offer.onKey(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !isComposing(event)) send(event);
    if (event.key !== "Escape" || !task) return;
    event.stopPropagation();
    model.begin(null);
  };

  return (
    <form onSubmit={send}>
      <div class="composer-box">
        <Offered offer={offer} />
        <textarea
          ref={field}
          id="composer"
          rows={1}
          dir="auto"
          enterkeyhint="send"
          aria-label={isEdit ? en.editing : words}
          placeholder={words}
          aria-controls={offer.people.length > 0 ? "names" : undefined}
          aria-activedescendant={optionOf(offer)}
          value={text}
          onInput={(event) => {
            write(event.currentTarget.value);
            follow(event);
          }}
          onKeyDown={onKeyDown}
          onKeyUp={follow}
          onClick={follow}
          onBlur={() => {
            offer.follow(-1);
            model.client.typing(target, false);
          }}
        />
        <button type="submit" class={canSend ? "button lit flip" : "button flip"} aria-disabled={!canSend}>
          <Icon node={isEdit ? Check : SendHorizontal} size={18} />
          <span class="wide">{isEdit ? en.save : en.send}</span>
        </button>
      </div>
      <Hint left={limit - length} limit={limit} words={hint} />
    </form>
  );
}

interface HintProps {
  readonly left: number;
  readonly limit: number;
  readonly words: string;
}

function Hint({ left, limit, words }: HintProps) {
  const count = left < 0 ? en.tooLong(-left) : left < limit * (1 - NEAR) ? en.left(left) : "";
  return (
    <p class={left < 0 ? "hint over" : "hint"} aria-live="polite">
      {count || words}
    </p>
  );
}

type Field = { readonly current: HTMLTextAreaElement | null };

/** Grows with the text where the browser does not do it by itself. */
function useHeight(field: Field, text: string): void {
  useLayoutEffect(() => {
    const box = field.current;
    if (!box || CSS.supports("field-sizing", "content")) return;
    box.style.blockSize = "auto";
    box.style.blockSize = `${box.scrollHeight}px`;
  }, [text]);
}

/** Whoever asked to write something else wants to write it. */
function useFocus(field: Field, wanted: boolean): void {
  useEffect(() => {
    if (wanted) field.current?.focus();
  }, []);
}
