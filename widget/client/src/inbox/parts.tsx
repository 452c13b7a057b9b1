/** Small things that every pane of the inbox draws: buttons with an icon, faces, times. */

import type { IconNode } from "lucide";
import type { ComponentChildren } from "preact";
import { Icon, initialsOf } from "../ui/icon.tsx";
import { ago, full } from "./time.ts";

interface IconButtonProps {
  readonly node: IconNode;
  readonly label: string;
  readonly onClick: () => void;
  readonly class?: string;
  readonly expanded?: boolean;
  readonly children?: ComponentChildren;
}

export function IconButton({ node, label, onClick, class: extra = "", expanded, children }: IconButtonProps) {
  return (
    <button
      type="button"
      class={`icon-button ${extra}`}
      aria-label={label}
      title={label}
      aria-expanded={expanded}
      onClick={onClick}
    >
      <Icon node={node} />
      {children}
    </button>
  );
}

interface FaceProps {
  readonly name: string;
  readonly size?: "mini" | "big";
  readonly here?: boolean;
}

/** Letters that stand for a person, with a dot while they are here. The name stands beside it, so it is not read out. */
export function Face({ name, size, here = false }: FaceProps) {
  return (
    <span class={`face ${size ?? ""} ${here ? "here" : ""}`} aria-hidden="true">
      {initialsOf(name)}
    </span>
  );
}

export function Ago({ ts, now }: { readonly ts: string; readonly now: number }) {
  return (
    <time dateTime={ts} title={full(ts)}>
      {ago(ts, now)}
    </time>
  );
}
