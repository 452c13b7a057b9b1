/** What belongs to one line beside its words: the message it answers, its reactions, and what may be done with it. */

import { CircleAlert, Ellipsis, Pencil, Reply, Trash2 } from "lucide";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Message } from "../core/protocol.ts";
import { hasReacted } from "../core/reactions.ts";
import { type Acts, type ActTexts, type Allowed, allowed, EMOJI, type Extra, isAny } from "./acts.ts";
import { Icon } from "./icon.tsx";
import type { Line } from "./lines.ts";

interface Shared {
  readonly line: Line;
  readonly acts: Acts;
  readonly texts: ActTexts;
}

/** A bubble in its row: the button beside it opens what may be done, below it stands what others made of it. */
export function Said({ children, ...shared }: Shared & { readonly children: ComponentChildren }) {
  const { line, acts, texts } = shared;
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const may = allowed(line, acts);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <div class="said" id={`m${line.id}`}>
        {children}
        {isAny(may) && (
          <button
            type="button"
            ref={button}
            class="more"
            aria-label={texts.more}
            aria-expanded={isOpen}
            title={texts.more}
            onClick={() => setOpen(!isOpen)}
          >
            <Icon node={Ellipsis} size={16} />
          </button>
        )}
      </div>
      {isOpen && isAny(may) && <Bar {...shared} may={may} onDone={close} />}
      <Reactions {...shared} canReact={may.react} />
      {line.failed && <Failed {...shared} />}
    </>
  );
}

interface BarProps extends Shared {
  readonly may: Allowed;
  readonly onDone: () => void;
}

function Bar({ line, acts, texts, may, onDone }: BarProps) {
  const root = useRef<HTMLDivElement>(null);
  const [isSure, setSure] = useState(false);
  useEffect(() => root.current?.querySelector<HTMLElement>(isSure ? ".bad" : "button")?.focus(), [isSure]);
  const then = (act: () => void) => () => {
    onDone();
    act();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    onDone();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only hears the key that closes it
    <div class="bar" ref={root} onKeyDown={onKeyDown}>
      {may.react && (
        <div class="emoji">
          {EMOJI.map((emoji) => (
            <Choice key={emoji} {...{ line, acts, texts, emoji }} onDone={onDone} />
          ))}
        </div>
      )}
      <div>
        {may.reply && <Act node={Reply} words={texts.reply} onClick={then(() => acts.reply(line))} />}
        {may.edit && <Act node={Pencil} words={texts.edit} onClick={then(() => acts.edit(line))} />}
        {may.remove && !isSure && <Act node={Trash2} words={texts.remove} onClick={() => setSure(true)} />}
        {may.remove && isSure && (
          <button type="button" class="word bad" onClick={then(() => acts.remove(line))}>
            {texts.removeSure}
          </button>
        )}
        {may.extras.map((extra) => (
          <More key={extra.words} {...extra} failed={texts.failed} />
        ))}
      </div>
    </div>
  );
}

function Choice({
  line,
  acts,
  texts,
  emoji,
  onDone,
}: Shared & { readonly emoji: string; readonly onDone: () => void }) {
  const isOn = hasReacted(line, emoji, acts.me);
  const react = () => {
    onDone();
    acts.react(line, emoji, !isOn);
  };
  return (
    <button type="button" class="act" aria-label={texts.react(emoji)} aria-pressed={isOn} onClick={react}>
      {emoji}
    </button>
  );
}

/** It says in its own place what became of it. */
function More({ words, done, act, failed }: Extra & { readonly failed: string }) {
  const [state, setState] = useState<"idle" | "busy" | "done" | "failed">("idle");
  const press = () => {
    if (state === "busy" || state === "done") return;
    setState("busy");
    act().then(
      () => setState("done"),
      () => setState("failed"),
    );
  };
  return (
    <button type="button" class="word" aria-busy={state === "busy"} aria-disabled={state === "done"} onClick={press}>
      {state === "done" ? done : state === "failed" ? failed : words}
    </button>
  );
}

interface ActProps {
  readonly node: typeof Reply;
  readonly words: string;
  readonly onClick: () => void;
}

function Act({ node, words, onClick }: ActProps) {
  return (
    <button type="button" class="act" aria-label={words} title={words} onClick={onClick}>
      <Icon node={node} size={16} />
    </button>
  );
}

function Reactions({ line, acts, texts, canReact }: Shared & { readonly canReact: boolean }) {
  const found = Object.entries(line.reactions);
  if (found.length === 0 || line.deleted) return null;
  return (
    <p class="reactions">
      {found.map(([emoji, { n }]) => (
        <button
          key={emoji}
          type="button"
          class="chip"
          aria-label={texts.reacted(emoji, n)}
          aria-pressed={hasReacted(line, emoji, acts.me)}
          aria-disabled={!canReact}
          onClick={() => canReact && acts.react(line, emoji, !hasReacted(line, emoji, acts.me))}
        >
          <span aria-hidden="true">
            {emoji} {n}
          </span>
        </button>
      ))}
    </p>
  );
}

/** A change that was refused: the line is as it was. */
function Failed({ line, acts, texts }: Shared) {
  return (
    <p class="trouble">
      <Icon node={CircleAlert} size={14} />
      {texts.notChanged}
      <button type="button" class="word" onClick={() => acts.again(line)}>
        {texts.retry}
      </button>
      <button type="button" class="word" onClick={() => acts.giveUp(line)}>
        {texts.dismiss}
      </button>
    </p>
  );
}

interface QuoteProps {
  /** The message that is answered; undefined when it lies above what is loaded. */
  readonly of: Message | undefined;
  /** Whose words need another name than their author's: mine, or nobody's where it is clear. */
  readonly name?: string | undefined;
  readonly texts: ActTexts;
  readonly onShow?: () => void;
}

/** The message that a line answers, in one line. */
export function Quote({ of, name = of?.by.name, texts, onShow }: QuoteProps) {
  const words = of === undefined ? texts.quoteAway : of.deleted ? texts.quoteGone : of.text;
  return (
    <button type="button" class="quote" dir="auto" disabled={!of || !onShow} onClick={onShow}>
      {name && <b>{name}</b>}
      <span>{words}</span>
    </button>
  );
}

/** Brings the line into view and lets it be found by the eye. */
export function showLine(id: string): void {
  const line = document.getElementById(`m${id}`);
  line?.scrollIntoView({ block: "center" });
  line?.classList.remove("found");
  void line?.offsetWidth;
  line?.classList.add("found");
}
