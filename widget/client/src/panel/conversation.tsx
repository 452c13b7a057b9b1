/** The lines of a room. Fetched with the first of them. */

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { linesOf } from "../core/view.ts";
import { itemsOf, type Line, pendingLine } from "../ui/lines.ts";
import { useScroll } from "../ui/use-scroll.ts";
import { en } from "./extras-text.ts";
import { LogItem } from "./log-item.tsx";
import type { Model } from "./model.ts";
import { createTimes } from "./time.ts";

interface ConversationProps {
  readonly model: Model;
  readonly locale: string;
  /** Whether somebody looks at the panel. */
  readonly attentive: boolean;
  /** What stands above the lines. */
  readonly top: ComponentChildren;
  readonly label: string;
}

export function Conversation({ model, locale, attentive, top, label }: ConversationProps) {
  const { client } = model;
  const me = client.state().me?.id ?? NOBODY.id;
  const room = model.room();
  const [times] = useState(() => createTimes(locale, en));
  const lines = useLines(model);
  const items = useMemo(() => itemsOf(lines, me, null), [lines, me]);
  const scroll = useScroll(lines, me, () => room && client.older(room.id));
  const now = Date.now();

  useEffect(() => {
    if (room?.loaded && attentive && scroll.isAtEnd) client.read(room.id, room.last);
  }, [room?.id, room?.loaded, room?.last, attentive, scroll.isAtEnd, client]);

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div class="log" ref={scroll.root} onScroll={scroll.onScroll} tabIndex={0} role="log" aria-label={label}>
      <div class="inner">
        {room?.more && <p class="note">{en.older}</p>}
        {top}
        <ol>
          {items.map((item) => (
            <LogItem key={item.key} {...{ item, model, times, now, texts: en }} />
          ))}
        </ol>
        <Typing model={model} />
      </div>
      {!scroll.isAtEnd && scroll.arrived > 0 && (
        <button type="button" class="jump" onClick={scroll.toEnd}>
          {en.newest}
        </button>
      )}
    </div>
  );
}

/** Stands for the visitor until the server says who they are. */
const NOTHING: readonly Line[] = [];
const NOBODY = { kind: "visitor", id: "", name: "" } as const;

function useLines(model: Model): readonly Line[] {
  const state = model.client.state();
  const { me, pending } = state;
  const room = model.room();
  const messages = room ? linesOf(state, room) : NOTHING;
  return useMemo(
    () => [...messages, ...model.pending().map((one) => pendingLine(one, me ?? NOBODY))],
    [messages, pending, me],
  );
}

/** Its place is always there, so that nothing moves when somebody begins to write. */
function Typing({ model }: { readonly model: Model }) {
  const names = model.room()?.typing.map(({ who }) => who.name) ?? [];
  return (
    <p class={names.length > 0 ? "typing on" : "typing"}>
      {names.length > 0 && (
        <>
          <span class="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {en.typing(names)}
        </>
      )}
    </p>
  );
}
