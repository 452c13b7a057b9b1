/** The list of keyboard shortcuts, in a dialog that the browser keeps the focus in. */

import { X } from "lucide";
import { useEffect, useRef } from "preact/hooks";
import { IconButton } from "./parts.tsx";
import { en } from "./text.ts";

export function Shortcuts({ onClose }: { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const box = dialog.current;
    box?.showModal();
    return () => box?.close();
  }, []);
  return (
    <dialog class="dialog" ref={dialog} aria-labelledby="shortcuts" onClose={onClose} closedby="any">
      <div class="dialog-head">
        <h2 id="shortcuts">{en.shortcuts}</h2>
        <IconButton node={X} label={en.close} onClick={onClose} />
      </div>
      <dl class="keys">
        {en.keys.map(([keys, meaning]) => (
          <div key={meaning}>
            <dt>{meaning}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
}
