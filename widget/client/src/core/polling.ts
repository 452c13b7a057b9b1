/** Frames by HTTP where sockets are refused: "Without a socket" in `docs/protocol.md`. What is above sees a socket. */

import type { Clock } from "./clock.ts";
import type { ClientFrames } from "./protocol.ts";
import type { Handlers, Transport } from "./transport.ts";

/** The server answers a poll after 25 s, other requests after 10. Milliseconds, as those below. */
const HEAR_LIMIT = 33_000;
const SAY_LIMIT = 18_000;
/** Between the beginnings of two polls. */
const PACE = 200;
const MOST_FRAMES = 20;
const RESTART = 1012;
const LOST = 1006;
const ALIVE = '{"t":"pong","n":0}';

interface Reply {
  readonly t: string;
  readonly cid?: string;
  readonly room?: string;
  readonly retry_after?: number;
  readonly code?: number;
}

interface Answer {
  readonly frames: readonly Reply[];
  readonly cursor?: string;
}

interface Refusal {
  readonly error?: { readonly close?: number; readonly retry_after?: number };
}

/** `wss://host/ws/w/key/` has its frames under `https://host/w/key/`, `/ws/agent/` under `/api/v1/`. */
export function addressOf(url: string): string {
  const address = new URL(url, globalThis.location?.href);
  address.protocol = address.protocol.replace("ws", "http");
  address.pathname = address.pathname.replace("/ws/agent/", "/api/v1/").replace("/ws/", "/");
  return address.href;
}

/** One line: a poll that is always under way, and beside it at most one request that says something. */
export function connectByHttp(
  clock: Clock,
  url: string,
  handlers: Handlers,
  hello: () => ClientFrames["hello"],
): Transport {
  const address = addressOf(url);
  let closed = false;
  let outbox: string[] = [];
  let saying = false;
  let cursor: string | undefined;
  let poll: AbortController | undefined;
  let said: AbortController | undefined;
  let named = "";

  queueMicrotask(() => closed || handlers.open());

  function close(): void {
    closed = true;
    poll?.abort();
    said?.abort();
  }

  function end(code: number, after?: number): void {
    if (closed) return;
    if (after !== undefined) handlers.text(`{"t":"bye","code":${RESTART},"after":${after}}`);
    close();
    handlers.close(code);
  }

  /** Nothing is answered when the line ended, or the request was given up for a better one. */
  async function post(act: string, body: string, limit: number, ended: AbortController): Promise<Answer | undefined> {
    const cancel = clock.after(limit, () => end(LOST));
    try {
      const response = await fetch(address + act, {
        method: "POST",
        headers: { Authorization: `Bearer ${hello().token}`, "Content-Type": "application/json" },
        body,
        signal: ended.signal,
      });
      if (response.ok) return (await response.json()) as Answer;
      await refused(response);
    } catch {
      if (!ended.signal.aborted) end(LOST);
    } finally {
      cancel();
    }
    return undefined;
  }

  async function refused(response: Response): Promise<void> {
    const { error } = (await response.json().catch(() => ({}))) as Refusal;
    const wait = error?.retry_after ?? Number(response.headers.get("Retry-After") ?? Number.NaN);
    end(error?.close ?? (wait >= 0 ? RESTART : LOST), wait >= 0 ? Math.ceil(wait * 1000) : undefined);
  }

  function deliver({ frames }: Answer): void {
    for (const frame of [ALIVE, ...frames.map((one) => JSON.stringify(one))]) if (!closed) handlers.text(frame);
    const bye = frames.find((one) => one.t === "bye");
    if (bye) end(bye.code ?? RESTART);
    renew();
  }

  /** A poll that does not name the rooms that are joined now is given up for one that does. */
  function renew(): void {
    if (named !== "" && named !== namesOf(hello())) poll?.abort();
  }

  async function hear(): Promise<void> {
    while (!closed) {
      const began = clock.now();
      const { token: _own, t: _too, ...asked } = hello();
      named = namesOf(asked);
      poll = new AbortController();
      const answer = await post("events", JSON.stringify({ ...asked, cursor }), HEAR_LIMIT, poll);
      if (!answer) continue;
      cursor = answer.cursor;
      deliver(answer);
      await rest(clock, PACE - (clock.now() - began));
    }
  }

  /** In order, and what got no answer again before what follows. */
  async function say(): Promise<void> {
    if (saying) return;
    saying = true;
    while (outbox.length > 0 && !closed) {
      const batch = outbox.slice(0, MOST_FRAMES);
      said = new AbortController();
      const answer = await post("frames", `{"frames":[${batch.join()}]}`, SAY_LIMIT, said);
      if (!answer) return;
      outbox = [...batch.filter((text) => isUnanswered(text, answer)), ...outbox.slice(batch.length)];
      deliver(answer);
      holdBack(batch, answer);
    }
    saying = false;
  }

  /** What was refused for a time in a room holds what waits here for that room: the next request would let it overtake. */
  function holdBack(batch: readonly string[], { frames }: Answer): void {
    for (const refusal of frames.filter((one) => one.t === "err" && one.retry_after !== undefined)) {
      const room = roomOf(batch.find((text) => cidOf(text) === refusal.cid));
      const held = outbox.filter((text) => room !== undefined && cidOf(text) !== undefined && roomOf(text) === room);
      outbox = outbox.filter((text) => !held.includes(text));
      for (const text of held) handlers.text(JSON.stringify({ ...refusal, cid: cidOf(text) }));
    }
  }

  return {
    send(text) {
      const { t } = JSON.parse(text) as Reply;
      if (t === "hello") void hear();
      else if (t !== "auth") outbox.push(text); // each request carries the token of its time
      queueMicrotask(say); // with what else is said in this turn
      renew();
    },
    close,
  };
}

const namesOf = ({ rooms = [] }: Partial<ClientFrames["hello"]>): string =>
  `rooms ${rooms.map((one) => one.room).sort()}`;

const cidOf = (text: string): string | undefined => (JSON.parse(text) as Reply).cid;
const roomOf = (text = "{}"): string | undefined => (JSON.parse(text) as Reply).room;

function isUnanswered(text: string, { frames }: Answer): boolean {
  const cid = cidOf(text);
  return cid !== undefined && !frames.some((one) => one.cid === cid);
}

const rest = (clock: Clock, ms: number): Promise<void> =>
  new Promise((done) => (ms > 0 ? clock.after(ms, done) : done()));
