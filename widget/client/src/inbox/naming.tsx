/** Offers names while one is typed behind an `@`: by the arrows and Enter, or by a press. */

import { useState } from "preact/hooks";
import { type Called, namingAt, offered, withName } from "./names.ts";
import { Face } from "./parts.tsx";
import { en } from "./text.ts";

export interface Offer {
  readonly people: readonly Called[];
  /** Which of them Enter takes. */
  readonly at: number;
  /** The caret has moved. */
  follow(caret: number): void;
  pick(one: Called): void;
  /** Whether the key was for the offer. */
  onKey(event: KeyboardEvent): boolean;
}

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

export function useOffer(
  field: { readonly current: HTMLTextAreaElement | null },
  text: string,
  people: readonly Called[],
  write: (text: string) => void,
): Offer {
  const [caret, setCaret] = useState(-1);
  const [chosen, setChosen] = useState(0);
  /** Where a name was begun that needs no help. */
  const [shut, setShut] = useState(-1);
  const naming = namingAt(text, caret);
  const found = naming && naming.from !== shut ? offered(people, naming.begun) : [];
  const at = Math.min(chosen, found.length - 1);

  const follow = (next: number) => {
    if (next === caret) return;
    setCaret(next);
    setChosen(0);
  };
  const pick = (one: Called) => {
    if (!naming) return;
    const next = withName(text, naming, one.name);
    write(next.text);
    setCaret(-1);
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(next.caret, next.caret);
    });
  };
  const onKey = (event: KeyboardEvent): boolean => {
    const one = found[at];
    if (!naming || !one || event.shiftKey) return false;
    const step = STEPS[event.key];
    if (step) setChosen((at + step + found.length) % found.length);
    else if (event.key === "Enter" || event.key === "Tab") pick(one);
    else if (event.key === "Escape") setShut(naming.from);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  return { people: found, at, follow, pick, onKey };
}

/** What `aria-activedescendant` of the field names. */
export const optionOf = (offer: Offer): string | undefined =>
  offer.people.length > 0 ? `name-${offer.at}` : undefined;

export function Offered({ offer }: { readonly offer: Offer }) {
  if (offer.people.length === 0) return null;
  return (
    <div class="names" id="names" role="listbox" aria-label={en.names}>
      {offer.people.map((one, index) => (
        <button
          key={one.id}
          id={`name-${index}`}
          type="button"
          role="option"
          class="menu-item"
          tabIndex={-1}
          aria-selected={index === offer.at}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => offer.pick(one)}
        >
          <Face name={one.name} size="mini" />
          <span class="cut" dir="auto">
            {one.name}
          </span>
        </button>
      ))}
    </div>
  );
}
