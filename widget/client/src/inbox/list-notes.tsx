/** What stands where rows would: skeletons, an error with a way out, and empty lists that teach. */

import { useState } from "preact/hooks";
import { useDelay } from "../ui/hooks.ts";
import type { Filter } from "./rooms.ts";
import { en } from "./text.ts";

const SKELETON_AFTER = 300;

/** Nothing at first: most lists are there before a skeleton could be read. */
export function Ghosts({ count = 6 }: { readonly count?: number }) {
  const isSlow = useDelay(true, SKELETON_AFTER);
  if (!isSlow) return null;
  return (
    <div role="status" aria-label={en.loading}>
      {Array.from({ length: count }, (_, index) => (
        <div class="ghost" key={index}>
          <i />
          <i />
          <i />
        </div>
      ))}
    </div>
  );
}

export function ListFailed({ onRetry }: { readonly onRetry: () => void }) {
  return (
    <div class="list-note" role="alert">
      <p>{en.listFailed}</p>
      <button type="button" class="button" onClick={onRetry}>
        {en.retry}
      </button>
    </div>
  );
}

export function EmptyList({ filter }: { readonly filter: Exclude<Filter, "open"> }) {
  return (
    <div class="list-note">
      <h2>{en.empty[filter].title}</h2>
      <p>{en.empty[filter].hint}</p>
    </div>
  );
}

export function EmptyOpen({ tag }: { readonly tag: string | undefined }) {
  return (
    <div class="list-note">
      <h2>{en.emptyOpen}</h2>
      <p>{tag ? en.emptyOpenTag : en.emptyOpenHint}</p>
      {tag && <Tag tag={tag} />}
    </div>
  );
}

/** The script tag, ready to be copied; where the clipboard is closed to us, it can be selected. */
function Tag({ tag }: { readonly tag: string }) {
  const [said, setSaid] = useState("");
  const copy = () =>
    navigator.clipboard.writeText(tag).then(
      () => setSaid(en.copied),
      () => setSaid(en.copyFailed),
    );
  return (
    <>
      <code class="tag">{tag}</code>
      <button type="button" class="button" onClick={copy}>
        {en.copy}
      </button>
      <p role="status">{said}</p>
      <p>
        {en.allowPages} <a href="/install/">{en.allowPagesWhere}</a>
      </p>
    </>
  );
}
