/** Somebody came by an invitation: they are led into its room, or read that it is over. */

import { X } from "lucide";
import { useEffect, useState } from "preact/hooks";
import { Icon } from "../ui/icon.tsx";
import { en } from "./extras-text.ts";
import { takeUp } from "./invitation.ts";
import type { Model } from "./model.ts";

interface InvitedProps {
  readonly model: Model;
}

export function Invited({ model }: InvitedProps) {
  const [isOver, say] = useState(false);
  useEffect(() => takeUp(model, () => say(true)), [model]);
  if (!isOver) return null;
  return (
    <div class="doing invited" role="alert">
      <div>
        <p>{en.invitationOver}</p>
      </div>
      <button type="button" class="round" aria-label={en.understood} title={en.understood} onClick={() => say(false)}>
        <Icon node={X} size={16} />
      </button>
    </div>
  );
}
