/** One item of the log: a day, the divider, a system line, or a run of bubbles with its time and ticks. */

import { Check, CheckCheck, Clock3 } from "lucide";
import { isLate, type Room } from "../core/index.ts";
import type { Acts } from "../ui/acts.ts";
import { Icon } from "../ui/icon.tsx";
import type { Item, Line } from "../ui/lines.ts";
import { keyOf } from "../ui/lines.ts";
import { piecesOf } from "../ui/links.ts";
import { Quote, Said } from "../ui/said.tsx";
import type { Model } from "./model.ts";
import { en } from "./text.ts";
import { clock, dayName, full } from "./time.ts";

interface LogItemProps {
  readonly item: Item;
  readonly model: Model;
  readonly acts: Acts;
  readonly room: Room;
  /** All that are drawn, to find what is answered. */
  readonly lines: readonly Line[];
  /** How far the visitor has read. */
  readonly visitorRead: number;
  readonly now: number;
}

export function LogItem({ item, ...shared }: LogItemProps) {
  switch (item.kind) {
    case "day":
      return (
        <h3 class="day">
          <time dateTime={item.ts}>{dayName(item.ts, shared.now)}</time>
        </h3>
      );
    case "new":
      return <p class="fresh-line">{en.newLines}</p>;
    case "system":
      return (
        <p class="system" dir="auto" title={full(item.line.ts)}>
          {item.line.text}
        </p>
      );
    case "run":
      return <Run item={item} {...shared} />;
  }
}

interface RunProps extends Omit<LogItemProps, "item"> {
  readonly item: Extract<Item, { kind: "run" }>;
}

function Run({ item, visitorRead, ...shared }: RunProps) {
  const { side, lines } = item;
  const author = lines[0]?.by.name ?? "";
  const last = lines.at(-1);
  const isNote = last !== undefined && last.room !== shared.room.id;
  return (
    <section class={isNote ? `run ${side} noted` : `run ${side}`}>
      <p class={side === "team" || isNote || isCrowd(shared.room) ? "run-who" : "unseen"}>
        {isNote && `${en.note} · `}
        {side === "mine" ? en.you : author}
      </p>
      {lines.map((line) => (
        <Bubble key={keyOf(line)} line={line} {...shared} />
      ))}
      {last && <Foot line={last} isMine={side === "mine"} visitorRead={isNote ? 0 : visitorRead} />}
    </section>
  );
}

interface BubbleProps extends Omit<RunProps, "item" | "visitorRead"> {
  readonly line: Line;
}

function Bubble({ line, model, acts, lines, now }: BubbleProps) {
  if (line.deleted)
    return (
      <p class="bubble gone" id={`m${line.id}`}>
        {en.deleted}
      </p>
    );
  return (
    <>
      <Said line={line} acts={acts} texts={en.acts}>
        <div class={line.changing ? "bubble changing" : "bubble"} dir="auto" title={full(line.ts)}>
          <Answered line={line} lines={lines} acts={acts} />
          <Words text={line.text} />
          {line.edited_at && <small> ({en.edited})</small>}
        </div>
      </Said>
      <Trouble line={line} model={model} now={now} />
    </>
  );
}

function Answered({ line, lines, acts }: Pick<BubbleProps, "line" | "lines" | "acts">) {
  const id = line.reply_to;
  if (!id) return null;
  const found = lines.find((one) => one.id === id);
  const name = found && found.by.id === acts.me ? en.you : undefined;
  return <Quote of={found} name={name} texts={en.acts} onShow={() => acts.show(id)} />;
}

/** Where more than one visitor speaks each line names its author. */
const isCrowd = (room: Room): boolean => room.summary?.kind !== "support";

function Words({ text }: { readonly text: string }) {
  return (
    <>
      {piecesOf(text).map(({ text: words, href }) =>
        href ? (
          <a href={href} target="_blank" rel="noopener noreferrer nofollow">
            {words}
          </a>
        ) : (
          words
        ),
      )}
    </>
  );
}

/** A line that did not go out offers both ways: once more, or back into the hand. */
function Trouble({ line, model, now }: { readonly line: Line; readonly model: Model; readonly now: number }) {
  const { pending } = line;
  const isRefused = pending?.state === "refused";
  if (!pending || !(isRefused || isLate(pending, now))) return null;
  return (
    <p class="failed" role="alert">
      {isRefused ? (pending.why ?? en.refusals[pending.code ?? ""] ?? en.refused) : en.notSent}
      <button type="button" class="text-button small" onClick={() => model.client.retry(pending.cid)}>
        {en.retry}
      </button>
      <button type="button" class="text-button small" onClick={() => model.takeBack(line.room, pending.cid)}>
        {en.takeBack}
      </button>
    </p>
  );
}

interface FootProps {
  readonly line: Line;
  readonly isMine: boolean;
  readonly visitorRead: number;
}

function Foot({ line, isMine, visitorRead }: FootProps) {
  return (
    <p class="run-foot">
      <time dateTime={line.ts} title={full(line.ts)}>
        {clock(line.ts)}
      </time>
      {isMine && <Ticks line={line} isRead={visitorRead >= line.seq} />}
    </p>
  );
}

function Ticks({ line, isRead }: { readonly line: Line; readonly isRead: boolean }) {
  if (line.pending?.state === "refused") return null;
  const isWaiting = line.pending?.state === "waiting";
  const [node, word] = isWaiting ? [Clock3, en.sending] : isRead ? [CheckCheck, en.read] : [Check, en.sent];
  return (
    <span class={isRead && !isWaiting ? "tick read" : "tick"} title={word}>
      <Icon node={node} size={16} />
      <span class="unseen">{word}</span>
    </span>
  );
}
