/**
 * One connection that comes back: hello, heartbeat, close codes, back-off, fresh tokens. It knows nothing about rooms.
 */

import type { Clock } from "./clock.ts";
import { realClock } from "./clock.ts";
import { withFallback } from "./fallback.ts";
import {
  type ClientFrame,
  type ClientFrames,
  Close,
  decode,
  encode,
  isFinal,
  type ServerFrame,
  VERSION,
} from "./protocol.ts";
import { backoff } from "./retry.ts";
import {
  browserSurroundings,
  type Connect,
  connectWebSocket,
  type Signal,
  type Surroundings,
  type Transport,
} from "./transport.ts";

export interface Session {
  readonly token: string;
  /** Seconds that the token lives. */
  readonly expiresIn: number;
  /** Address of the socket. */
  readonly url: string;
}

/** Thrown by `getSession` when trying again is useless. `code` is a close code of 4400-4499. */
export class Refused extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`${code}`);
    this.code = code;
  }
}

export type Status =
  | { readonly state: "idle" }
  | { readonly state: "connecting"; readonly attempt: number }
  | { readonly state: "online" }
  /** Will try again by itself at `until` (milliseconds since the epoch). */
  | { readonly state: "waiting"; readonly attempt: number; readonly until: number }
  /** Too many tabs: will try again when this one is looked at. */
  | { readonly state: "parked" }
  /** Needs someone to act: `code` is a close code of 4400-4499. */
  | { readonly state: "stopped"; readonly code: number };

export interface SocketOptions {
  /** A session for the one who is here. Throws `Refused` to end it; any other error is tried again. */
  getSession(): Promise<Session>;
  /** What the first frame says beside version and token. */
  hello(): Partial<Omit<ClientFrames["hello"], "t" | "v" | "token">>;
  onFrame(frame: ServerFrame): void;
  onStatus(status: Status): void;
  connect?: Connect;
  surroundings?: Surroundings;
  clock?: Clock;
}

export interface Socket {
  start(): void;
  /** Ends the connection until `start`. */
  stop(): void;
  /** Hands the frame to a welcomed connection; false when there is none. */
  send(frame: ClientFrame): boolean;
  /** Tries at once instead of waiting; also takes a stopped socket back to work. */
  retry(): void;
}

const OPEN_LIMIT = 10_000;
const GRACE = 8_000;
const PROBE_LIMIT = 3_000;
const STABLE = 30_000;
const KEY_PAUSE = 1_000;
const RENEW_AHEAD = 60_000;
const RENEW_AGAIN = 10_000;
const LOST = 1006;

/** What belongs to one connection and ends with it. */
interface Line {
  transport?: Transport;
  opened: boolean;
  welcomed: boolean;
  /** Milliseconds of silence that mean the line is dead. */
  patience: number;
  pings: number;
  cancels: Record<string, () => void>;
}

export function createSocket(options: SocketOptions): Socket {
  const { surroundings = browserSurroundings, clock = realClock } = options;
  const connect = options.connect ?? withFallback(connectWebSocket, clock, surroundings);
  let status: Status = { state: "idle" };
  let line: Line | undefined;
  let session: (Session & { readonly until: number }) | undefined;
  let unwatch: (() => void) | undefined;
  let cancelWait = () => {};
  let attempt = 0;
  let tried = 0;
  let pause: number | undefined;

  function become(next: Status): void {
    status = next;
    options.onStatus(next);
  }

  async function dial(): Promise<void> {
    cancelWait();
    tried = clock.now();
    const mine: Line = { opened: false, welcomed: false, patience: 0, pings: 0, cancels: {} };
    line = mine;
    become({ state: "connecting", attempt });
    limit(mine, "open", OPEN_LIMIT, () => ended(mine, LOST));
    try {
      const found = await currentSession();
      if (line === mine) mine.transport = connect(found.url, handlersOf(mine), hello);
    } catch (error) {
      ended(mine, error instanceof Refused ? error.code : LOST);
    }
  }

  async function currentSession(): Promise<Session> {
    const usable = session && session.until - clock.now() > RENEW_AHEAD / 2;
    return usable && session ? session : freshSession();
  }

  async function freshSession(): Promise<Session> {
    const found = await options.getSession();
    session = { ...found, until: clock.now() + found.expiresIn * 1000 };
    return found;
  }

  const hello = (): ClientFrames["hello"] => ({
    t: "hello",
    v: VERSION,
    token: session?.token ?? "",
    ...options.hello(),
  });

  const handlersOf = (mine: Line) => ({
    open() {
      mine.opened = true;
      if (line === mine) mine.transport?.send(encode(hello()));
    },
    text: (data: string) => line === mine && received(mine, data),
    close: (code: number) => ended(mine, code),
  });

  function received(mine: Line, data: string): void {
    mine.cancels.probe?.();
    if (mine.welcomed) listen(mine);
    const frame = decode(data);
    if (!frame) return;
    if (frame.t === "welcome") welcomed(mine, frame.ping * 1000);
    if (frame.t === "bye") pause = frame.after;
    options.onFrame(frame);
  }

  function welcomed(mine: Line, every: number): void {
    mine.cancels.open?.();
    mine.welcomed = true;
    mine.patience = every + GRACE;
    listen(mine);
    beat(mine, every);
    limit(mine, "stable", STABLE, () => {
      attempt = 0;
    });
    scheduleRenewal(mine);
    become({ state: "online" });
  }

  const listen = (mine: Line) => limit(mine, "silence", mine.patience, () => ended(mine, LOST));

  function beat(mine: Line, every: number): void {
    limit(mine, "beat", every, () => {
      mine.transport?.send(encode({ t: "ping", n: ++mine.pings }));
      beat(mine, every);
    });
  }

  function scheduleRenewal(mine: Line): void {
    const left = (session?.until ?? 0) - clock.now();
    limit(mine, "renew", Math.max(left - Math.min(RENEW_AHEAD, left / 4), 0), () => void renew(mine));
  }

  /** A failed renewal is tried again; the server's 4001 is the end of the patience. */
  async function renew(mine: Line): Promise<void> {
    try {
      const { token } = await freshSession();
      if (line !== mine) return;
      mine.transport?.send(encode({ t: "auth", token }));
      scheduleRenewal(mine);
    } catch (error) {
      if (error instanceof Refused) ended(mine, error.code);
      else if (line === mine) limit(mine, "renew", RENEW_AGAIN, () => void renew(mine));
    }
  }

  function limit(mine: Line, name: string, ms: number, fn: () => void): void {
    mine.cancels[name]?.();
    mine.cancels[name] = clock.after(ms, () => line === mine && fn());
  }

  function hangUp(): void {
    const old = line;
    line = undefined;
    for (const cancel of Object.values(old?.cancels ?? {})) cancel();
    old?.transport?.close();
  }

  function ended(mine: Line, code: number): void {
    if (line !== mine) return;
    hangUp();
    // A token that was shown and brought no welcome may be the reason, so the second try in a row asks for another.
    if (code === Close.tokenExpired || (mine.opened && !mine.welcomed && attempt > 0)) session = undefined;
    if (code === Close.tooManySockets) become({ state: "parked" });
    else if (isFinal(code)) become({ state: "stopped", code });
    else wait();
  }

  function wait(): void {
    const ms = pause ?? backoff(attempt, clock.random);
    pause = undefined;
    attempt += 1;
    cancelWait = clock.after(ms, () => void dial());
    become({ state: "waiting", attempt, until: clock.now() + ms });
  }

  function noticed(signal: Signal): void {
    if (signal === "hide") sleep();
    else if (status.state !== "online") tryNow(signal);
    else if (signal !== "key") probe();
  }

  function tryNow(signal: Signal): void {
    if (signal === "probe" || line || status.state === "stopped") return;
    if (status.state === "parked" && !surroundings.visible()) return;
    if (signal === "key" && clock.now() - tried < KEY_PAUSE) return;
    void dial();
  }

  function sleep(): void {
    cancelWait();
    hangUp();
    if (status.state !== "stopped") become({ state: "idle" });
  }

  /** Phones cut sockets without a word; a short answer time tells within seconds of coming back. */
  function probe(): void {
    if (!line) return;
    const mine = line;
    mine.transport?.send(encode({ t: "ping", n: ++mine.pings }));
    limit(mine, "probe", PROBE_LIMIT, () => ended(mine, LOST));
  }

  return {
    start() {
      unwatch ??= surroundings.watch(noticed);
      if (!line) void dial();
    },
    stop() {
      unwatch?.();
      unwatch = undefined;
      cancelWait();
      hangUp();
      become({ state: "idle" });
    },
    send(frame) {
      if (!line?.welcomed || !line.transport) return false;
      line.transport.send(encode(frame));
      return true;
    },
    retry() {
      if (line || !unwatch) return;
      session = undefined;
      void dial();
    },
  };
}
