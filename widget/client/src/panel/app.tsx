/** The panel as a whole: header, log, connection line, composer. */

import { X } from "lucide";
import { useEffect, useState } from "preact/hooks";
import { NEW_ROOM } from "../core/state.ts";
import { useVisible } from "../ui/hooks.ts";
import { Avatar, Icon } from "../ui/icon.tsx";
import type { Boot } from "./boot.ts";
import { Composer } from "./composer.tsx";
import { Line } from "./line.tsx";
import { Log } from "./log.tsx";
import type { Model } from "./model.ts";
import { Stopped } from "./stopped.tsx";
import type { Texts } from "./text.ts";
import { createTimes } from "./time.ts";

export interface AppProps {
  readonly boot: Boot;
  readonly model: Model;
  readonly locale: string;
  readonly texts: Texts;
}

export function App({ boot, model, locale, texts }: AppProps) {
  useChanges(model);
  useEscape(model.close);
  const [times] = useState(() => createTimes(locale, texts));
  const attentive = useVisible() && model.isShown();
  const status = model.client.status();
  const { agents } = model.client.state();
  const room = model.room();

  return (
    <main class="panel">
      <Header boot={boot} agents={agents} onClose={model.close} texts={texts} />
      <Log key={room?.id ?? NEW_ROOM} boot={boot} model={model} times={times} attentive={attentive} texts={texts} />
      {status.state === "stopped" ? (
        <Stopped code={status.code} texts={texts} onRetry={model.client.reconnect} />
      ) : (
        <>
          <Line status={status} texts={texts} />
          <Composer model={model} shown={model.isShown()} texts={texts} />
        </>
      )}
    </main>
  );
}

interface HeaderProps {
  readonly boot: Boot;
  readonly agents: number | undefined;
  readonly onClose: () => void;
  readonly texts: Texts;
}

function Header({ boot, agents, onClose, texts }: HeaderProps) {
  return (
    <header>
      <Avatar name={boot.site.name} />
      <div>
        <h1>{boot.texts.title}</h1>
        <p class={agents ? "state here" : "state"}>
          {boot.site.name}
          {agents !== undefined && ` · ${agents > 0 ? texts.online : texts.away}`}
        </p>
      </div>
      <button type="button" class="round" aria-label={texts.close} title={texts.close} onClick={onClose}>
        <Icon node={X} />
      </button>
    </header>
  );
}

function useChanges(model: Model): void {
  const [, draw] = useState(0);
  useEffect(() => model.subscribe(() => draw((count) => count + 1)), [model]);
}

function useEscape(close: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.isComposing) close();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [close]);
}
