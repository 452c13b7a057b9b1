/** What was said. Until there is a line that is the greeting; lines are drawn by code that comes with the first of them. */

import type { ComponentChildren } from "preact";
import { useDelay } from "../ui/hooks.ts";
import type { Boot } from "./boot.ts";
import type { Standing } from "./hours.ts";
import { Conversation, Opens } from "./later.ts";
import type { Model } from "./model.ts";
import type { Texts } from "./text.ts";

const SLOW = 300;

interface LogProps {
  readonly boot: Boot;
  readonly model: Model;
  readonly standing: Standing;
  readonly locale: string;
  /** Whether somebody looks at the panel. */
  readonly attentive: boolean;
  readonly texts: Texts;
}

export function Log({ boot, model, standing, locale, attentive, texts }: LogProps) {
  const { client } = model;
  const { me, agents } = client.state();
  const room = model.room();
  const isEmpty = model.pending().length === 0 && !room?.messages.length;
  const isStopped = client.status().state === "stopped";
  const isLoading = !isStopped && (!me || (room !== undefined && !room.loaded));
  const isSlow = useDelay(isLoading, SLOW);
  const isGreeting = !isLoading && !room?.more && room?.summary?.kind !== "community";
  const away = isEmpty && (!standing.open || agents === 0);
  const greeting = <Greeting boot={boot} note={away && <Away {...{ boot, standing, locale }} />} />;
  const top = isGreeting ? greeting : isSlow && isEmpty && <Skeleton />;
  const plain = <Plain model={model} top={top} label={texts.log} />;
  if (!room && isEmpty) return plain;
  return (
    <Conversation {...{ model, locale, attentive, top }} label={texts.log}>
      {plain}
    </Conversation>
  );
}

interface PlainProps {
  readonly model: Model;
  readonly top: ComponentChildren;
  readonly label: string;
}

/** Bare words, so that what one sends is seen at once. */
function Plain({ model, top, label }: PlainProps) {
  const me = model.client.state().me?.id;
  const others = model.room()?.messages ?? [];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <div class="log bare" tabIndex={0} role="log" aria-label={label}>
      <div class="inner">
        {top}
        <ol>
          {[...others, ...model.pending()].map((one) => (
            <li key={one.cid} class={"by" in one && one.by.id !== me ? "run" : "run mine"}>
              {one.text && (
                <p class="bubble" dir="auto">
                  {one.text}
                </p>
              )}
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}

function Greeting({ boot, note }: { readonly boot: Boot; readonly note: ComponentChildren }) {
  return (
    <div class="greeting">
      <p class="bubble" dir="auto">
        {boot.texts.greeting}
      </p>
      {note}
    </div>
  );
}

function Away({ boot, standing, locale }: Pick<LogProps, "boot" | "standing" | "locale">) {
  return (
    <p class="note">
      {boot.texts.away} {!standing.open && <Opens at={standing.next} locale={locale} />}
    </p>
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
