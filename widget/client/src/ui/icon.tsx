/** Icons, the mark, and letters for faces. */

import type { IconNode } from "lucide";
import { h } from "preact";
import { BUBBLE, FLAME, GLASS, ROOF } from "./mark.ts";

/** A Lucide icon. It says nothing to a screen reader: its button or the text beside it does. */
export function Icon({ node, size = 20 }: { readonly node: IconNode; readonly size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.75"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {node.map(([tag, attrs]) => h(tag, attrs))}
    </svg>
  );
}

/** The lantern in its bubble; the bubble takes the text's colour, so it is seen in both themes. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 64 64" aria-hidden="true">
      <path d={BUBBLE} fill="var(--ink)" />
      <path d={ROOF} fill="var(--paper)" />
      <path d={GLASS} fill="#FFB020" />
      <path d={FLAME} fill="#FFF3D6" />
    </svg>
  );
}

/** One or two letters that stand for a name: the first of its first and last word, without what is in brackets. */
export function initialsOf(name: string): string {
  const letters = name.match(/(?<!\S)[^\s(]/gu) ?? [...name.trim()].slice(0, 1);
  return [...letters.slice(0, 1), ...letters.slice(1).slice(-1)].join("").toLocaleUpperCase();
}

export function Avatar({ name }: { readonly name: string }) {
  return (
    <span class="avatar" aria-hidden="true">
      {initialsOf(name)}
    </span>
  );
}
