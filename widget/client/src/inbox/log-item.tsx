/** One item of the log: a day, the divider, a system line, or a run of bubbles with its time and ticks. */

import { Check, CheckCheck, Clock3 } from "lucide";
import { isLate } from "../core/index.ts";
import { Icon } from "../ui/icon.tsx";
import type { Item, Line } from "../ui/lines.ts";
import { keyOf } from "../ui/lines.ts";
import { piecesOf } from "../ui/links.ts";
import type { Model } from "./model.ts";
import { en } from "./text.ts";
import { clock, dayName, full } from "./time.ts";

interface LogItemProps {
  readonly item: Item;
  readonly model: Model;
  /** How far the visitor has read. */
  readonly visitorRead: number;
  readonly now: number;
}

export function LogItem({ item, model, visitorRead, now }: LogItemProps) {
  switch (item.kind) {
    case "day":
      return (
        <h3 class="day">
          <time dateTime={item.ts}>{dayName(item.ts, now)}</time>
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
      return <Run item={item} model={model} visitorRead={visitorRead} now={now} />;
  }
}

interface RunProps extends Omit<LogItemProps, "item"> {
  readonly item: Extract<Item, { kind: "run" }>;
}

function Run({ item, model, visitorRead, now }: RunProps) {
  const { side, lines } = item;
  const author = lines[0]?.by.name ?? "";
  const last = lines.at(-1);
  return (
    <section class={`run ${side}`}>
      <p class={side === "team" ? "run-who" : "unseen"}>{side === "mine" ? en.you : author}</p>
      {lines.map((line) => (
        <Bubble key={keyOf(line)} line={line} model={model} now={now} />
      ))}
      {last && <Foot line={last} isMine={side === "mine"} visitorRead={visitorRead} />}
    </section>
  );
}

function Bubble({ line, model, now }: { readonly line: Line; readonly model: Model; readonly now: number }) {
  if (line.deleted) return <p class="bubble gone">{en.deleted}</p>;
  return (
    <>
      <p class="bubble" dir="auto" title={full(line.ts)}>
        <Words text={line.text} />
        {line.edited_at && <small> ({en.edited})</small>}
      </p>
      <Trouble line={line} model={model} now={now} />
    </>
  );
}

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
      {isRefused ? (en.refusals[pending.code ?? ""] ?? en.refused) : en.notSent}
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
