/** Keeps the eye where it is: at the end while one is there, on the same line when older ones are put above. */

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Id } from "../core/index.ts";
import { keyOf, type Line } from "./lines.ts";

/** This near the end counts as being there; this near the top asks for more. Pixels. */
const NEAR_END = 80;
const NEAR_TOP = 400;

export interface Scroll {
  readonly root: RefObject<HTMLDivElement | null>;
  readonly isAtEnd: boolean;
  /** Lines of others that came while one was further up. */
  readonly arrived: number;
  onScroll(): void;
  toEnd(): void;
}

/** What was drawn last, to tell what a change means. */
interface Drawn {
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly height: number;
}

export function useScroll(lines: readonly Line[], me: Id, onTop: () => void): Scroll {
  const root = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn>({ first: undefined, last: undefined, height: 0 });
  const atEnd = useRef(true);
  const [isAtEnd, setAtEnd] = useState(true);
  const [arrived, setArrived] = useState(0);

  const toEnd = () => {
    if (root.current) root.current.scrollTop = root.current.scrollHeight;
  };
  const askAbove = () => {
    const box = root.current;
    if (box && lines.length > 0 && box.scrollTop < NEAR_TOP) onTop();
  };
  const onScroll = () => {
    const box = root.current;
    if (!box) return;
    atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END;
    setAtEnd(atEnd.current);
    if (atEnd.current) setArrived(0);
    askAbove();
  };

  useLayoutEffect(() => {
    const box = root.current;
    if (!box) return;
    const before = drawn.current;
    const first = lines[0] && keyOf(lines[0]);
    const newest = lines.at(-1);
    const last = newest && keyOf(newest);
    const isNew = last !== before.last && before.last !== undefined;
    const isMine = newest?.by.id === me;
    if (atEnd.current || (isNew && isMine)) toEnd();
    else if (before.first !== undefined && first !== before.first) box.scrollTop += box.scrollHeight - before.height;
    if (isNew && !isMine && !atEnd.current) setArrived((count) => count + 1);
    drawn.current = { first, last, height: box.scrollHeight };
    askAbove();
  }, [lines]);

  useEffect(() => {
    if (!root.current) return;
    const box = root.current;
    const watch = new ResizeObserver(() => {
      if (atEnd.current) toEnd();
      drawn.current = { ...drawn.current, height: box.scrollHeight };
    });
    watch.observe(box);
    if (box.firstElementChild) watch.observe(box.firstElementChild);
    return () => watch.disconnect();
  }, []);

  return { root, isAtEnd, arrived, onScroll, toEnd };
}
