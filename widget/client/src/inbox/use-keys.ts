/** Listens for shortcuts on the whole page. */

import { useEffect, useRef } from "preact/hooks";
import { isComposing } from "../ui/composing.ts";
import { type Command, commandOf, type Place } from "./keys.ts";

export function useKeys(onCommand: (command: Command) => void): void {
  const latest = useRef(onCommand);
  latest.current = onCommand;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isComposing(event)) return;
      const command = commandOf(event, placeOf(event.target));
      if (!command) return;
      event.preventDefault();
      latest.current(command);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

function placeOf(target: EventTarget | null): Place {
  if (!(target instanceof Element)) return "page";
  if (target.closest("textarea, input, select, [contenteditable]")) return "field";
  if (target.closest("dialog")) return "dialog";
  return target.closest(".log, .details, .pop") ? "scroller" : "page";
}
