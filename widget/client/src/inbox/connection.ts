/** The one line that says how the connection is: nothing while all is well, and "back" for a moment after it was not. */

import type { Clock } from "../core/clock.ts";
import type { Status } from "../core/socket.ts";

export type Connection =
  | { readonly state: "well" | "connecting" | "offline" | "back" }
  | { readonly state: "stopped"; readonly code: number };

/** A drop that mends itself within this time is not worth a word. Milliseconds, as those below. */
const QUIET = 1_200;
/** From then on it is no hiccup any more. */
const PATIENCE = 5_000;
const BACK = 3_000;
const TOO_MANY_TABS = 4409;

/** Whether what is sent now goes out without anybody's help: not once the way on is another page, which would forget it. */
export const goesOut = (connection: Connection): boolean =>
  connection.state !== "stopped" || connection.code === TOO_MANY_TABS;

export interface ConnectionLine {
  current(): Connection;
  update(status: Status, browserOnline: boolean): void;
}

/** Follows the socket's status; calls `changed` when the words change by time alone. */
export function createConnectionLine(clock: Clock, changed: () => void): ConnectionLine {
  let shown: Connection = { state: "well" };
  let isWell = true;
  let cancel = () => {};

  function show(next: Connection): void {
    shown = next;
    changed();
  }

  function later(ms: number, fn: () => void): void {
    cancel();
    cancel = clock.after(ms, fn);
  }

  function well(): void {
    if (isWell) return;
    isWell = true;
    cancel();
    if (shown.state === "well" || shown.state === "back") return;
    shown = { state: "back" };
    later(BACK, () => show({ state: "well" }));
  }

  function ill(): void {
    if (!isWell) return;
    isWell = false;
    later(QUIET, () => {
      show({ state: "connecting" });
      later(PATIENCE - QUIET, () => show({ state: "offline" }));
    });
  }

  /** Nothing will change by itself: the words come at once. */
  function stopped(code: number): void {
    isWell = false;
    cancel();
    shown = { state: "stopped", code };
  }

  function update(status: Status, browserOnline: boolean): void {
    if (status.state === "online") well();
    else if (status.state === "stopped") stopped(status.code);
    else if (status.state === "parked") stopped(TOO_MANY_TABS);
    else ill();
    if (!isWell && !browserOnline && shown.state === "connecting") shown = { state: "offline" };
  }

  return { current: () => shown, update };
}
