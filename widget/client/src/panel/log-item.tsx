/** One item of the conversation: a day, a system line, or a run of one author's messages. */

import { Check, CheckCheck, CircleAlert, Clock } from "lucide";
import type { Id } from "../core/protocol.ts";
import { isLate, isRead, type Pending } from "../core/state.ts";
import { Avatar, Icon } from "../ui/icon.tsx";
import { type Item, keyOf, type Line } from "../ui/lines.ts";
import { piecesOf } from "../ui/links.ts";
import { Quote, Said, showLine } from "../ui/said.tsx";
import { actsOf } from "./acts.ts";
import type { ExtraTexts } from "./extras-text.ts";
import type { Model } from "./model.ts";
import type { Times } from "./time.ts";

interface Shared {
  readonly model: Model;
  readonly times: Times;
  readonly now: number;
  readonly texts: ExtraTexts;
}

export function LogItem({ item, ...shared }: Shared & { readonly item: Item }) {
  if (item.kind === "day") return <li class="day">{shared.times.day(item.ts, shared.now)}</li>;
  if (item.kind === "system") return <li class="note">{item.line.text}</li>;
  if (item.kind === "new") return null;
  return <Run lines={item.lines} mine={item.side === "mine"} {...shared} />;
}

function Run({ lines, mine, ...shared }: Shared & { readonly lines: readonly Line[]; readonly mine: boolean }) {
  const last = lines.at(-1);
  const author = lines[0]?.by.name ?? "";
  return (
    <li class={mine ? "run mine" : "run"}>
      {!mine && <Avatar name={author} />}
      <div class="lines">
        <p class={mine ? "unseen" : "author"}>{mine ? shared.texts.you : author}</p>
        {lines.map((line) => (
          <Bubble key={keyOf(line)} line={line} {...shared} />
        ))}
        {last && <Under line={last} mine={mine} {...shared} />}
      </div>
    </li>
  );
}

function Bubble({ line, ...shared }: Shared & { readonly line: Line }) {
  const { pending } = line;
  const stuck = pending && (pending.state === "refused" || isLate(pending, shared.now));
  if (line.deleted)
    return (
      <p class="bubble gone" id={`m${line.id}`}>
        {shared.texts.deleted}
      </p>
    );
  const { model } = shared;
  return (
    <>
      <Said line={line} acts={actsOf(model)} texts={shared.texts}>
        <div class={stuck ? "bubble stuck" : line.changing ? "bubble changing" : "bubble"} dir="auto">
          {line.reply_to && <Answered message={line.reply_to} model={model} texts={shared.texts} />}
          {piecesOf(line.text).map((piece, at) => (
            <Words key={at} {...piece} />
          ))}
        </div>
      </Said>
      {stuck && <Stuck pending={pending} {...shared} />}
    </>
  );
}

/** The message that a line answers. */
function Answered({ message, model, texts }: Pick<Shared, "model" | "texts"> & { readonly message: Id }) {
  const found = model.room()?.messages.find((one) => one.id === message);
  const isMine = found !== undefined && found.by.id === model.client.state().me?.id;
  return <Quote of={found} name={isMine ? texts.you : undefined} texts={texts} onShow={() => showLine(message)} />;
}

function Words({ text, href }: { readonly text: string; readonly href?: string }) {
  if (!href) return <>{text}</>;
  return (
    <a href={href} target="_blank" rel="noopener nofollow ugc">
      {text}
    </a>
  );
}

/** A message that did not arrive stays until its author decides. */
function Stuck({ pending, model, texts }: Shared & { readonly pending: Pending }) {
  const refusal = texts.refused[pending.code ?? ""] ?? texts.refusedOther;
  return (
    <p class="trouble">
      <Icon node={CircleAlert} size={14} />
      {pending.state === "refused" ? refusal : texts.late}
      <button type="button" class="word" onClick={() => model.client.retry(pending.cid)}>
        {texts.retry}
      </button>
      {pending.state === "refused" && (
        <button type="button" class="word" onClick={() => model.edit(pending.cid)}>
          {texts.discard}
        </button>
      )}
    </p>
  );
}

/** Time and, for mine, how far it came. */
function Under({ line, mine, model, times, texts }: Shared & { readonly line: Line; readonly mine: boolean }) {
  return (
    <p class="under">
      {line.edited_at && `${texts.edited} · `}
      <time dateTime={line.ts}>{times.clock(line.ts)}</time>
      {mine && <Ticks line={line} model={model} texts={texts} />}
    </p>
  );
}

function Ticks({ line, model, texts }: Pick<Shared, "model" | "texts"> & { readonly line: Line }) {
  const room = model.room();
  const me = model.client.state().me?.id;
  const waits = line.pending && line.pending.state !== "sent";
  const read = room !== undefined && !line.pending && isRead(room, line.seq, me);
  const [node, words] = waits
    ? ([Clock, texts.sending] as const)
    : read
      ? ([CheckCheck, texts.read] as const)
      : ([Check, texts.sent] as const);
  return (
    <span class={read ? "ticks read" : "ticks"} title={words}>
      <Icon node={node} size={14} />
      <span class="unseen">{words}</span>
    </span>
  );
}
