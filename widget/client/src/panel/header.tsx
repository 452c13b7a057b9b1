/** What is shown, who is there, and the way to other rooms. */

import { ArrowLeft, LogOut, MessagesSquare, X } from "lucide";
import type { Room } from "../core/state.ts";
import { Avatar, Icon } from "../ui/icon.tsx";
import type { Boot } from "./boot.ts";
import type { Model } from "./model.ts";
import type { Texts } from "./text.ts";

interface HeaderProps {
  readonly boot: Boot;
  readonly model: Model;
  readonly texts: Texts;
}

export function Header({ boot, model, texts }: HeaderProps) {
  const room = model.room();
  const isCommunity = room?.summary?.kind === "community";
  const { agents } = model.client.state();
  const isElsewhere = model.isListing() || isCommunity;
  return (
    <header>
      {isElsewhere ? <Back model={model} texts={texts} /> : <Avatar name={boot.site.name} />}
      <div>
        <h1 dir="auto">{model.isListing() ? texts.rooms : isCommunity ? room.summary?.title : boot.texts.title}</h1>
        {isCommunity && !model.isListing() ? (
          <p class="state">
            <bdi>{texts.here(countOf(room))}</bdi>
          </p>
        ) : (
          <p class={agents ? "state here" : "state"}>
            {boot.site.name}
            {!isElsewhere && agents !== undefined && ` · ${agents > 0 ? texts.online : texts.away}`}
          </p>
        )}
      </div>
      {isCommunity && !model.isListing() && <Round node={LogOut} words={texts.leave} flip onClick={model.leave} />}
      {model.offered().length > 0 && !isElsewhere && (
        <Round node={MessagesSquare} words={texts.rooms} onClick={model.list} />
      )}
      <Round node={X} words={texts.close} onClick={model.close} />
    </header>
  );
}

/** From a room to the list of rooms, from there to the visitor's own. */
function Back({ model, texts }: Pick<HeaderProps, "model" | "texts">) {
  const [words, back] = model.isListing() ? [texts.ask, () => model.show(null)] : [texts.rooms, model.list];
  return <Round node={ArrowLeft} words={words} flip onClick={back} />;
}

const countOf = (room: Room): number => Math.max(room.count, room.people.length);

interface RoundProps {
  readonly node: typeof X;
  readonly words: string;
  readonly flip?: boolean;
  readonly onClick: () => void;
}

function Round({ node, words, flip, onClick }: RoundProps) {
  return (
    <button type="button" class={flip ? "round flip" : "round"} aria-label={words} title={words} onClick={onClick}>
      <Icon node={node} />
    </button>
  );
}
