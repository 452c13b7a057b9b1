/** The panel as a whole: header, log, connection line, composer. */

import { useEffect, useState } from "preact/hooks";
import { NEW_ROOM } from "../core/state.ts";
import { isComposing } from "../ui/composing.ts";
import { useVisible } from "../ui/hooks.ts";
import type { Boot } from "./boot.ts";
import { Composer } from "./composer.tsx";
import { Header } from "./header.tsx";
import { useStanding } from "./hours.ts";
import { Invited, RoomList, Stopped } from "./later.ts";
import { Line } from "./line.tsx";
import { Log } from "./log.tsx";
import type { Model } from "./model.ts";
import type { Texts } from "./text.ts";

export interface AppProps {
  readonly boot: Boot;
  readonly model: Model;
  readonly locale: string;
  readonly texts: Texts;
}

export function App({ boot, model, locale, texts }: AppProps) {
  useChanges(model);
  useEscape(model.close);
  const attentive = useVisible() && model.isShown();
  const status = model.client.status();
  const room = model.room();
  const standing = useStanding(boot.hours);

  return (
    <main class="panel">
      <Header {...{ boot, model, standing, texts }} />
      {model.invitation && <Invited model={model} />}
      {model.isListing() ? (
        <RoomList model={model} />
      ) : (
        <Log key={room?.id ?? NEW_ROOM} {...{ boot, model, standing, locale, attentive, texts }} />
      )}
      {status.state === "stopped" ? (
        <Stopped code={status.code} model={model}>
          <p class="note">{texts.stopped}</p>
        </Stopped>
      ) : (
        <>
          <Line status={status} texts={texts} />
          {!model.isListing() && (
            <Composer model={model} shown={model.isShown() && !boot.preview} locale={locale} texts={texts} />
          )}
        </>
      )}
    </main>
  );
}

function useChanges(model: Model): void {
  const [, draw] = useState(0);
  useEffect(() => {
    const redraw = () => draw((count) => count + 1);
    redraw(); // what happened since it was drawn first
    return model.subscribe(redraw);
  }, [model]);
}

function useEscape(close: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !isComposing(event)) close();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [close]);
}
