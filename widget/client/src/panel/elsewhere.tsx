/** In the head of what is not the visitor's own room: the way back, and the way out. */

import { ArrowLeft, LogOut } from "lucide";
import { en } from "./extras-text.ts";
import type { Model } from "./model.ts";
import { Round } from "./round.tsx";

/** From a room to the list of rooms, from there to the visitor's own. */
export function Back({ model }: { readonly model: Model }) {
  const [words, back] = model.isListing() ? [en.ask, () => model.show(null)] : [en.rooms, model.list];
  return <Round node={ArrowLeft} words={words} flip onClick={back} />;
}

export function Leave({ model }: { readonly model: Model }) {
  return <Round node={LogOut} words={en.leave} flip onClick={model.leave} />;
}
