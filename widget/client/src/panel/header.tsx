/** What is shown, who is there, and the way to other rooms. */

import { MessagesSquare, X } from "lucide";
import type { Room } from "../core/state.ts";
import { Avatar } from "../ui/icon.tsx";
import type { Boot } from "./boot.ts";
import type { Standing } from "./hours.ts";
import { Back, Leave } from "./later.ts";
import type { Model } from "./model.ts";
import { Round } from "./round.tsx";
import type { Texts } from "./text.ts";

interface HeaderProps {
  readonly boot: Boot;
  readonly model: Model;
  readonly standing: Standing;
  readonly texts: Texts;
}

export function Header({ boot, model, standing, texts }: HeaderProps) {
  const room = model.room();
  const isCommunity = room?.summary?.kind === "community";
  const { agents } = model.client.state();
  const isElsewhere = model.isListing() || isCommunity;
  const isHere = standing.open && agents;
  const words = isHere ? texts.online : (!standing.open || agents === 0) && texts.away;
  return (
    <header>
      {isElsewhere ? <Back model={model} /> : <Face boot={boot} />}
      <div>
        <h1 dir="auto">{model.isListing() ? texts.rooms : isCommunity ? room.summary?.title : boot.texts.title}</h1>
        {isCommunity && !model.isListing() ? (
          <p class="state">
            <bdi>{texts.here(countOf(room))}</bdi>
          </p>
        ) : (
          <p class={isHere ? "state here" : "state"}>
            {boot.site.name}
            {!isElsewhere && words && ` · ${words}`}
          </p>
        )}
      </div>
      {isCommunity && !model.isListing() && <Leave model={model} />}
      {model.offered().length > 0 && !isElsewhere && (
        <Round node={MessagesSquare} words={texts.rooms} onClick={model.list} />
      )}
      <Round node={X} words={texts.close} onClick={model.close} />
    </header>
  );
}

/** The site's logo, or its initials. */
function Face({ boot: { look, site } }: Pick<HeaderProps, "boot">) {
  return look.logo ? <img class="avatar" src={look.logo} alt="" /> : <Avatar name={site.name} />;
}

const countOf = (room: Room): number => Math.max(room.count, room.people.length);
