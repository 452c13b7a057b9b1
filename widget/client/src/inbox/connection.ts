/** The one line that says how the connection is: nothing while all is well, and "back" for a moment after it was not. */

import type { Clock } from "../core/clock.ts";
import type { Status } from "../core/socket.ts";

export type Connection =
  | { readonly state: "well" | "connecting" | "offline" | "back" }
  | { readonly state: "stopped"; readonly code: number };

/** A drop that mends itself within this time is not worth a word. Milliseconds. */
const QUIET = 1_200;
const BACK = 3_000;
/** From this try on it is no hiccup any more. */
const OFFLINE_AFTER = 5;
const TOO_MANY_TABS = 4409;

/** What to say of a socket that is not online. */
export function troubleOf(status: Status, browserOnline: boolean): Connection {
  if (status.state === "stopped") return status;
  if (status.state === "parked") return { state: "stopped", code: TOO_MANY_TABS };
  const attempt = "attempt" in status ? status.attempt : 0;
  return { state: !browserOnline || attempt >= OFFLINE_AFTER ? "offline" : "connecting" };
}

export interface ConnectionLine {
  current(): Connection;
  update(status: Status, browserOnline: boolean): void;
}

/** Follows the socket's status; calls `changed` when the words change by time alone. */
export function createConnectionLine(clock: Clock, changed: () => void): ConnectionLine {
  let shown: Connection = { state: "well" };
  let latest: Connection = shown;
  let cancel: (() => void) | undefined;

  function later(ms: number, next: () => Connection): void {
    cancel?.();
    cancel = clock.after(ms, () => {
      cancel = undefined;
      shown = next();
      changed();
    });
  }

  function well(): void {
    const wasSaid = shown.state !== "well" && shown.state !== "back";
    if (wasSaid) {
      shown = { state: "back" };
      later(BACK, () => ({ state: "well" }));
    } else if (latest.state !== "well") {
      cancel?.();
      cancel = undefined;
    }
    latest = { state: "well" };
  }

  function ill(trouble: Connection): void {
    const isFirst = latest.state === "well";
    latest = trouble;
    if (shown.state !== "well" && shown.state !== "back") shown = trouble;
    else if (trouble.state === "stopped") shown = trouble;
    else if (isFirst) later(QUIET, () => latest);
  }

  return {
    current: () => shown,
    update(status, browserOnline) {
      if (status.state === "online") well();
      else ill(troubleOf(status, browserOnline));
    },
  };
}
