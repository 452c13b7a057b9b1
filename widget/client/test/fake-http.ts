import type { ClientFrame, ServerFrame } from "../src/core/protocol.ts";
import type { Transport } from "../src/core/transport.ts";
import type { FakeClock } from "./fake-clock.ts";
import type { FakeServer } from "./fake-server.ts";

/** The same server by HTTP: each request is a short line to it, as the real one makes each a session. */

const POLL = 25_000;
const PATIENCE = 10_000;
const ANSWERS = ["ack", "err", "joined", "page", "left", "pong"];

export interface Request {
  readonly act: string;
  readonly token: string;
  readonly body: { readonly frames?: ClientFrame[]; readonly rooms?: unknown[]; readonly cursor?: string };
}

export interface FakeHttp {
  readonly requests: Request[];
  /** What the next requests are refused with, instead of an answer. */
  refusals: Response[];
  /** Acks that are left out of the next answers. */
  mute: number;
  /** How many polls and other requests are under way, and were at most. */
  readonly under: { events: number; frames: number };
  readonly most: { events: number; frames: number };
  readonly fetch: typeof fetch;
}

export function fakeHttp(clock: FakeClock, server: FakeServer): FakeHttp {
  const requests: Request[] = [];
  const under = { events: 0, frames: 0 };
  const most = { events: 0, frames: 0 };

  /** Says these and collects what comes, until `isEnough` or the time is over. */
  function collect(
    frames: readonly ClientFrame[],
    ms: number,
    signal: AbortSignal,
    isEnough: (came: readonly ServerFrame[]) => boolean,
  ): Promise<ServerFrame[]> {
    return new Promise((done, fail) => {
      const came: ServerFrame[] = [];
      const finish = (result: () => void) => {
        cancel();
        line.close();
        result();
      };
      const cancel = clock.after(ms, () => finish(() => done(came)));
      signal.addEventListener("abort", () => finish(() => fail(new DOMException("gone", "AbortError"))));
      const line: Transport = server.connect(
        "",
        {
          open: () => frames.forEach((frame) => void line.send(JSON.stringify(frame))),
          text(data) {
            came.push(JSON.parse(data) as ServerFrame);
            if (isEnough(came)) finish(() => done(came));
          },
          close: () => finish(() => fail(new TypeError("network"))),
        },
        () => ({ t: "hello", v: 1, token: "" }),
      );
    });
  }

  const hello = (rooms: unknown[] = []) => ({ t: "hello", v: 1, token: "", rooms }) as ClientFrame;

  async function events({ body }: Request, signal: AbortSignal): Promise<object> {
    const count = 1 + (body.rooms?.length ?? 0);
    const isNews = (frame: ServerFrame, at: number) =>
      body.cursor === undefined ||
      at >= count ||
      (frame.t === "joined" && (!frame.resumed || frame.messages.length > 0));
    const isEnough = (came: readonly ServerFrame[]) => came.length >= count && came.some(isNews) && isWhole(came);
    const frames = await collect([hello(body.rooms)], POLL, signal, isEnough);
    return { frames: frames.filter(isNews), cursor: "known" };
  }

  /** Whether no page of a catch-up is missing. */
  const isWhole = (came: readonly ServerFrame[]) => {
    const last = came.findLast((frame) => (frame.t === "joined" && frame.resumed) || frame.t === "page");
    return !last || ("more" in last && !last.more);
  };

  async function said({ body }: Request, signal: AbortSignal): Promise<object> {
    const frames = body.frames ?? [];
    const asks = frames.filter((frame) => "cid" in frame || "ref" in frame || frame.t === "ping");
    const answers = (came: readonly ServerFrame[]) => came.filter((frame) => ANSWERS.includes(frame.t));
    const isEnough = (came: readonly ServerFrame[]) =>
      answers(came).filter((frame) => frame.t !== "joined" || "ref" in frame).length >= asks.length;
    const came = asks.length > 0 ? await collect([hello(), ...frames], PATIENCE, signal, isEnough) : [];
    return { frames: answers(came).filter((frame) => frame.t !== "ack" || http.mute-- <= 0) };
  }

  async function answer(url: string, init: RequestInit): Promise<Response> {
    const act = url.split("/").at(-1) === "events" ? "events" : "frames";
    const token = new Headers(init.headers).get("Authorization")?.split(" ")[1] ?? "";
    const request = { act, token, body: JSON.parse(String(init.body)) as Request["body"] };
    requests.push(request);
    const refusal = http.refusals.shift();
    if (refusal) return refusal;
    most[act] = Math.max(most[act], ++under[act]);
    try {
      const signal = init.signal ?? new AbortController().signal;
      const answer = await (act === "events" ? events(request, signal) : said(request, signal));
      return server.dead ? await silence(signal) : Response.json(answer);
    } finally {
      under[act] -= 1;
    }
  }

  const http: FakeHttp = {
    requests,
    refusals: [],
    mute: 0,
    under,
    most,
    fetch: (url, init) => answer(String(url), init ?? {}),
  };
  return http;
}

const silence = (signal: AbortSignal): Promise<never> =>
  new Promise((_, fail) => signal.addEventListener("abort", () => fail(new DOMException("gone", "AbortError"))));
