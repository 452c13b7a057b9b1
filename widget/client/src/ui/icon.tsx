/** Icons, the mark, and letters for faces. */

import type { IconNode } from "lucide";
import { h } from "preact";

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

export const BUBBLE =
  "M32 5C16.5 5 4 15.9 4 29.4c0 7.3 3.7 13.9 9.6 18.4.5 3.9-.9 7.7-4 10.4-.9.8-.3 2.3.9 2.2 5.9-.4 11-2.6 14.7-6 2.2.4 4.4.6 6.8.6 15.5 0 28-10.9 28-25.6C60 15.9 47.5 5 32 5Z";
export const ROOF =
  "M32 13.5c1.2 0 2.2 1 2.2 2.2v1.5c4.7.8 8.3 4.4 9 9H20.8c.7-4.6 4.3-8.2 9-9v-1.5c0-1.2 1-2.2 2.2-2.2Z";
export const GLASS = "M22.4 29h19.2l-2.2 12.3a3 3 0 0 1-3 2.5h-8.8a3 3 0 0 1-3-2.5L22.4 29Z";
export const FLAME = "M32 31.5c2.5 2.7 3.8 4.8 3.8 6.6a3.8 3.8 0 0 1-7.6 0c0-1.8 1.3-3.9 3.8-6.6Z";

/** One or two letters that stand for a name: the first of its first and last word. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/u);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters
    .map((word) => [...(word ?? "")][0] ?? "")
    .join("")
    .toLocaleUpperCase();
}

export function Avatar({ name }: { readonly name: string }) {
  return (
    <span class="avatar" aria-hidden="true">
      {initialsOf(name)}
    </span>
  );
}
