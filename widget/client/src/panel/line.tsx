/** How the connection is, when that is worth a line: not while all is well, and not for a blink. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Status } from "../core/socket.ts";
import { useDelay } from "../ui/hooks.ts";
import type { Texts } from "./text.ts";

const SLOW = 700;
const BACK_SHOWN = 2_000;

export function Line({ status, texts }: { readonly status: Status; readonly texts: Texts }) {
  const isOnline = status.state === "online";
  const isSlow = useDelay(!isOnline, SLOW);
  const isBack = useBack(isOnline, isSlow);
  const words = isBack ? texts.back : isSlow ? wordsOf(status, texts) : "";
  return (
    <p class={isBack ? "line back" : "line"} role="status">
      {words}
    </p>
  );
}

/** The first try is connecting; once it failed, the visitor should know that messages wait. */
function wordsOf(status: Status, texts: Texts): string {
  if (status.state === "parked") return texts.parked;
  const failed = status.state === "waiting" || (status.state === "connecting" && status.attempt > 0);
  return failed || !navigator.onLine ? texts.offline : texts.connecting;
}

/** True for a moment after a loss that was told. */
function useBack(isOnline: boolean, wasTold: boolean): boolean {
  const told = useRef(false);
  const [isBack, setBack] = useState(false);
  if (wasTold) told.current = true;
  useEffect(() => {
    if (!isOnline || !told.current) return;
    told.current = false;
    setBack(true);
    const timer = setTimeout(() => setBack(false), BACK_SHOWN);
    return () => {
      clearTimeout(timer);
      setBack(false);
    };
  }, [isOnline]);
  return isBack;
}
