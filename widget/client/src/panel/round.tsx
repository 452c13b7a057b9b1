/** A button that is an icon. */

import type { X } from "lucide";
import { Icon } from "../ui/icon.tsx";

interface RoundProps {
  readonly node: typeof X;
  readonly words: string;
  /** Points the other way where one reads from right to left. */
  readonly flip?: boolean;
  readonly onClick: () => void;
}

export function Round({ node, words, flip, onClick }: RoundProps) {
  return (
    <button type="button" class={flip ? "round flip" : "round"} aria-label={words} title={words} onClick={onClick}>
      <Icon node={node} />
    </button>
  );
}
