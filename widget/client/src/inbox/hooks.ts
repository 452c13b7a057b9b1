/** What components ask of the browser. */

import { useEffect, useState } from "preact/hooks";

/** Whether a media query holds, and again when that changes. */
export function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const update = () => setHolds(list.matches);
    update();
    list.addEventListener("change", update);
    return () => list.removeEventListener("change", update);
  }, [query]);
  return holds;
}

const isAttentive = () => document.visibilityState === "visible" && document.hasFocus();

/** Whether somebody looks at the page: it is visible and has the focus. */
export function useAttention(): boolean {
  const [attentive, setAttentive] = useState(isAttentive);
  useEffect(() => {
    const ended = new AbortController();
    const update = () => setAttentive(isAttentive());
    for (const name of ["focus", "blur"]) window.addEventListener(name, update, { signal: ended.signal });
    document.addEventListener("visibilitychange", update, { signal: ended.signal });
    update();
    return () => ended.abort();
  }, []);
  return attentive;
}

/** Closes what floats when a press or the focus goes elsewhere, or at Escape. */
export function useDismiss(isOpen: boolean, root: { readonly current: HTMLElement | null }, close: () => void): void {
  useEffect(() => {
    if (!isOpen) return;
    const ended = new AbortController();
    const outside = (event: Event) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) close();
    };
    const onEscape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      close();
      root.current?.querySelector("button")?.focus();
    };
    document.addEventListener("pointerdown", outside, { signal: ended.signal });
    document.addEventListener("focusin", outside, { signal: ended.signal });
    document.addEventListener("keydown", onEscape, { signal: ended.signal, capture: true });
    return () => ended.abort();
  }, [isOpen]);
}
