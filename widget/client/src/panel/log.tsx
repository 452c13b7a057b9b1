/** The conversation. */

import { useEffect, useMemo } from "preact/hooks";
import { linesOf } from "../core/view.ts";
import { useDelay } from "../ui/hooks.ts";
import { itemsOf, type Line, pendingLine } from "../ui/lines.ts";
import { useScroll } from "../ui/use-scroll.ts";
import type { Boot } from "./boot.ts";
import { LogItem } from "./log-item.tsx";
import type { Model } from "./model.ts";
import type { Texts } from "./text.ts";
import type { Times } from "./time.ts";

const SLOW = 300;

interface LogProps {
  readonly boot: Boot;
  readonly model: Model;
  readonly times: Times;
  /** Whether somebody looks at the panel. */
  readonly attentive: boolean;
  readonly texts: Texts;
}

export function Log({ boot, model, times, attentive, texts }: LogProps) {
  const { client } = model;
  const { me, agents } = client.state();
  const room = model.room();
  const lines = useLines(model);
  const items = useMemo(() => itemsOf(lines, me?.id ?? NOBODY.id, null), [lines, me]);
  const scroll = useScroll(lines, me?.id ?? NOBODY.id, () => room && client.older(room.id));
  const isStopped = client.status().state === "stopped";
  const isLoading = !isStopped && (!me || (room !== undefined && !room.loaded));
  const isSlow = useDelay(isLoading, SLOW);
  const now = Date.now();

  useEffect(() => {
    if (room?.loaded && attentive && scroll.isAtEnd) client.read(room.id, room.last);
  }, [room?.id, room?.loaded, room?.last, attentive, scroll.isAtEnd, client]);

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div class="log" ref={scroll.root} onScroll={scroll.onScroll} tabIndex={0} role="log" aria-label={texts.log}>
      <div class="inner">
        {room?.more && <p class="note">{texts.older}</p>}
        {isSlow && lines.length === 0 && <Skeleton />}
        {!room?.more && !isLoading && room?.summary?.kind !== "community" && (
          <Greeting boot={boot} away={agents === 0 && lines.length === 0} />
        )}
        <ol>
          {items.map((item) => (
            <LogItem key={item.key} {...{ item, model, times, now, texts }} />
          ))}
        </ol>
        <Typing model={model} texts={texts} />
      </div>
      {!scroll.isAtEnd && scroll.arrived > 0 && (
        <button type="button" class="jump" onClick={scroll.toEnd}>
          {texts.newest}
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

function Greeting({ boot, away }: { readonly boot: Boot; readonly away: boolean }) {
  return (
    <div class="greeting">
      <p class="bubble" dir="auto">
        {boot.texts.greeting}
      </p>
      {away && <p class="note">{boot.texts.away}</p>}
    </div>
  );
}

function Skeleton() {
  return (
    <div class="skeleton" aria-hidden="true">
      <i />
      <i />
      <i />
    </div>
  );
}

/** Its place is always there, so that nothing moves when somebody begins to write. */
function Typing({ model, texts }: { readonly model: Model; readonly texts: Texts }) {
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
          {texts.typing(names)}
        </>
      )}
    </p>
  );
}
