/** The way to the other parts of the console: each that the member may open. */

import { Footprints, Globe, Menu, MessagesSquare, Receipt, ScrollText, Settings, Shield, Users } from "lucide";
import { useRef, useState } from "preact/hooks";
import { Icon } from "../ui/icon.tsx";
import type { Boot, ConsolePage } from "./api.ts";
import { useDismiss } from "./hooks.ts";
import { IconButton } from "./parts.tsx";
import { en } from "./text.ts";

const ICONS = {
  start: Footprints,
  rooms: MessagesSquare,
  moderation: Shield,
  people: Users,
  sites: Globe,
  audit: ScrollText,
  billing: Receipt,
  settings: Settings,
} as const satisfies Record<ConsolePage, unknown>;

export function Sections({ boot }: { readonly boot: Boot }) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useDismiss(isOpen, root, () => setOpen(false));
  if (!boot.pages?.length) return null;
  return (
    <div class="float-root" ref={root}>
      <IconButton node={Menu} label={en.sections} expanded={isOpen} onClick={() => setOpen(!isOpen)} />
      {isOpen && (
        <nav class="pop menu menu-start" aria-label={en.sections}>
          {boot.pages.map((page) => (
            <a key={page} class="menu-item" href={`/${page}/`}>
              <Icon node={ICONS[page]} size={18} /> {en.pages[page]}
            </a>
          ))}
        </nav>
      )}
    </div>
  );
}
