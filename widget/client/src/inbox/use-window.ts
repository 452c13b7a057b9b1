/**
 * Draws of a long list only the rows near the eye. All rows have one height, so that a row's place is its number times
 * that height, and ten thousand rows cost as much as fifty.
 */

import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** Rows drawn above and below what is seen. */
const MARGIN = 12;

export interface Slice {
  readonly from: number;
  readonly to: number;
}

/** The rows to draw of `count`, for a scroller that shows `height` pixels from `top` on. */
export function sliceOf(count: number, pitch: number, top: number, height: number): Slice {
  const first = Math.floor(top / pitch) - MARGIN;
  const last = Math.ceil((top + height) / pitch) + MARGIN;
  const from = Math.max(0, Math.min(first, count - 1));
  return { from, to: Math.max(from, Math.min(count, last)) };
}

/** The scroll position that keeps a row where it is when it moved from place `before` to place `after`. */
export const keptTop = (top: number, before: number, after: number, pitch: number): number =>
  before < 0 || after < 0 ? top : Math.max(0, top + (after - before) * pitch);

/** `ids` are the rows in their order. Rows that move above what one reads do not push it away. */
export function useWindow(scroller: RefObject<HTMLElement | null>, ids: readonly string[], pitch: number): Slice {
  const [view, setView] = useState({ top: 0, height: 1_000 });
  const known = useRef({ ids, top: 0, height: 1_000 });

  const look = () => {
    const box = scroller.current;
    if (!box) return;
    known.current = { ids: known.current.ids, top: box.scrollTop, height: box.clientHeight };
    // A new slice is needed only when another row comes near.
    setView((old) => {
      const isNear = Math.floor(old.top / pitch) === Math.floor(box.scrollTop / pitch);
      return isNear && old.height === box.clientHeight ? old : { top: box.scrollTop, height: box.clientHeight };
    });
  };

  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const ended = new AbortController();
    box.addEventListener("scroll", look, { passive: true, signal: ended.signal });
    const watch = new ResizeObserver(look);
    watch.observe(box);
    return () => {
      ended.abort();
      watch.disconnect();
    };
  }, [pitch]);

  useLayoutEffect(() => {
    const box = scroller.current;
    const { ids: before, top } = known.current;
    if (box && top > 0 && before !== ids) {
      const first = before[Math.floor(top / pitch)] ?? "";
      box.scrollTop = keptTop(top, before.indexOf(first), ids.indexOf(first), pitch);
    }
    known.current = { ...known.current, ids };
    look();
  }, [ids, pitch]);

  return sliceOf(ids.length, pitch, view.top, view.height);
}

/** Brings row number `index` into what is seen, when it is not; -1 is no row. */
export function reveal(box: HTMLElement, index: number, pitch: number): void {
  if (index < 0) return;
  const top = index * pitch;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + pitch > box.scrollTop + box.clientHeight) box.scrollTop = top + pitch - box.clientHeight;
}
