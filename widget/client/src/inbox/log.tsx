/** The messages of the open room, and where one stands in them: at the newest, further up, or away. */

import { ArrowDown } from "lucide";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Id, Room, State } from "../core/index.ts";
import { useDelay } from "../ui/hooks.ts";
import { Icon } from "../ui/icon.tsx";
import { itemsOf } from "../ui/lines.ts";
import { useScroll } from "../ui/use-scroll.ts";
import { actsOf } from "./acts.ts";
import { conversation, notesOf } from "./conversation.ts";
import { LogItem } from "./log-item.tsx";
import type { Model } from "./model.ts";
import { en } from "./text.ts";

interface LogProps {
  readonly model: Model;
  readonly chat: State;
  readonly room: Room;
  readonly name: string;
  readonly attentive: boolean;
  readonly canAnswer: boolean;
  readonly now: number;
}

const SLOW = 300;
const NOBODY: Id = "";

export function Log(props: LogProps) {
  const { model, chat, room, name, attentive, canAnswer, now } = props;
  const me = chat.me;
  const myId = me?.id ?? NOBODY;
  const notes = notesOf(chat, room);
  const newAfter = useDivider(room, myId, attentive, chat.pending.length > 0);
  const lines = useMemo(() => conversation(chat, room, notes), [room.messages, notes?.messages, chat.pending, me]);
  const acts = actsOf(model, chat, room, canAnswer);
  const items = useMemo(() => itemsOf(lines, myId, newAfter), [lines, myId, newAfter]);
  const scroll = useScroll(lines, myId, () => {
    model.client.older(room.id);
    if (notes) model.client.older(notes.id);
  });
  const isSlow = useDelay(!room.loaded, SLOW);
  const readers = visitorMark(room);

  useEffect(() => {
    if (!attentive || !scroll.isAtEnd) return;
    if (room.loaded) model.client.read(room.id, room.last);
    if (notes?.loaded) model.client.read(notes.id, notes.last);
  }, [attentive, scroll.isAtEnd, room.loaded, room.last, notes?.loaded, notes?.last]);

  return (
    <>
      <div class="log-frame">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <div class="log" ref={scroll.root} onScroll={scroll.onScroll} tabIndex={0} role="log" aria-label={en.log(name)}>
          <div class="log-inner">
            {isSlow && <p class="log-note">{en.loading}</p>}
            {room.loaded && <p class="log-note">{room.more ? en.older : en.beginning}</p>}
            {items.map((item) => (
              <LogItem key={item.key} {...{ item, model, acts, room, lines, now }} visitorRead={readers} />
            ))}
          </div>
        </div>
        {!scroll.isAtEnd && <Jump count={scroll.arrived} onJump={scroll.toEnd} />}
      </div>
      <Typing rooms={notes ? [room, notes] : [room]} me={myId} />
    </>
  );
}

/** How far the visitor has read. */
function visitorMark(room: Room): number {
  const visitor = room.summary?.visitor;
  return visitor ? (room.marks[visitor] ?? 0) : 0;
}

/**
 * The number above which lines are new: my mark when the room was opened, later the last line before I looked away. It
 * stays while I look, or the divider would vanish under the eye, and goes when I answer.
 */
function useDivider(room: Room, me: Id, attentive: boolean, isAnswering: boolean): number | null {
  const [after, setAfter] = useState<number | null>(null);
  const isReady = room.loaded;
  useEffect(() => {
    if (isReady && (room.unread > 0 || !attentive)) setAfter(room.marks[me] ?? 0);
    else setAfter((old) => (old === room.last ? null : old));
  }, [isReady, attentive]);
  useEffect(() => {
    if (isAnswering) setAfter(null);
  }, [isAnswering]);
  return after;
}

function Jump({ count, onJump }: { readonly count: number; readonly onJump: () => void }) {
  return (
    <button type="button" class={count > 0 ? "jump fresh" : "jump"} onClick={onJump}>
      <Icon node={ArrowDown} size={16} />
      {count > 0 ? en.jumpNew(count) : en.jump}
    </button>
  );
}

/** Its place is always there, so that nothing moves when somebody begins to write. */
function Typing({ rooms, me }: { readonly rooms: readonly Room[]; readonly me: Id }) {
  const typing = rooms.flatMap((room) => room.typing);
  const names = typing.filter(({ who }) => who.id !== me).map(({ who }) => who.name);
  return (
    <p class="typing" aria-live="polite">
      {names.length > 0 && (
        <>
          <i aria-hidden="true">
            <b />
            <b />
            <b />
          </i>
          {en.typing(names.join(", "), names.length)}
        </>
      )}
    </p>
  );
}
