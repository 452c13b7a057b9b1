import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { realClock } from "../../src/core/clock.ts";
import { withFallback } from "../../src/core/fallback.ts";
import { createRescue } from "../../src/core/rescue.ts";
import type { Connect, Surroundings } from "../../src/core/transport.ts";
import { type BadLine, DEAF, DOUBLED, DROPPED, WITHHELD } from "./faults.ts";

/** A network that lets no socket through, and on which requests end before their answer. */

type Fetch = (url: URL, init: RequestInit) => Promise<Response>;

const still: Surroundings = { visible: () => true, watch: () => () => {} };

/** By token: the client asks by the browser's own `fetch`, of which there is one for all. */
const walls = new Map<string, Fetch>();

globalThis.fetch = async (url, init = {}) => {
  const token = new Headers(init.headers).get("Authorization")?.replace("Bearer ", "") ?? "";
  return (walls.get(token) ?? plain)(new URL(String(url)), init);
};

/** What is nobody's in particular. */
const plain: Fetch = async (url, init) => {
  const answer = await answerOf(ask(url, init), "");
  return new Response(await text(answer), { status: answer.statusCode ?? 500 });
};

interface Answer {
  readonly frames?: readonly { readonly t: string }[];
}

/** `direct` and `surroundings`: what tries a socket, and what says when it is worth it. */
export function badWall(
  dice: () => number,
  token: string,
  direct?: Connect,
  surroundings: Surroundings = still,
): BadLine {
  const counts = { kills: 0, withheld: 0, doubled: 0, dropped: 0, dials: 0 };
  const under = new Set<ClientRequest>();
  let isBad = true;
  let cutsDue = 0;

  const happens = (chance: number) => isBad && dice() < chance;

  function cut(): boolean {
    if (under.size === 0) return false;
    counts.kills += 1;
    for (const one of under) one.destroy(new Error("cut"));
    return true;
  }

  /** One that was over by then leaves its cut to the next. */
  function cutOrLeave(): void {
    if (!cut() && isBad) cutsDue += 1;
  }

  /** What came of an answer: acks are withheld, lines dropped or doubled. */
  function befallen({ frames = [], ...rest }: Answer): Answer {
    const kept = frames.flatMap((frame) => {
      const isNews = frame.t === "msg" || frame.t === "upd";
      if (frame.t === "ack" && happens(WITHHELD)) counts.withheld += 1;
      else if (isNews && happens(DROPPED)) counts.dropped += 1;
      else if (!happens(DOUBLED)) return [frame];
      else {
        counts.doubled += 1;
        return [frame, frame];
      }
      return [];
    });
    return { ...rest, frames: kept };
  }

  walls.set(token, async (url, init) => {
    const asked = ask(url, init);
    under.add(asked);
    const body = String(init.body);
    if (cutsDue > 0 && body.includes('"cid"')) {
      cutsDue -= 1;
      setTimeout(cutOrLeave, dice() < 0.5 ? 0 : dice() * DEAF);
    }
    try {
      const answer = await answerOf(asked, body);
      const status = answer.statusCode ?? 500;
      const said = await text(answer);
      const heard = status === 200 ? JSON.stringify(befallen(JSON.parse(said) as Answer)) : said;
      return new Response(heard, { status });
    } finally {
      under.delete(asked);
    }
  });

  const refused: Connect = (_url, handlers) => {
    counts.dials += 1;
    setTimeout(() => handlers.close(1006));
    return { send() {}, close() {} };
  };

  return {
    connect: withFallback(direct ?? refused, realClock, surroundings, async () => createRescue),
    cut,
    cutAfterNext() {
      cutsDue += 1;
    },
    mend() {
      isBad = false;
      cutsDue = 0;
    },
    counts,
  };
}

/** To this machine, whatever the host of the address is called. */
function ask(url: URL, init: RequestInit): ClientRequest {
  const headers = { ...Object.fromEntries(new Headers(init.headers)), Host: url.host, Origin: url.origin };
  const asked = request({
    host: "127.0.0.1",
    port: url.port,
    path: url.pathname,
    method: init.method ?? "GET",
    headers,
  });
  init.signal?.addEventListener("abort", () => asked.destroy(new Error("aborted")));
  return asked;
}

const answerOf = (asked: ClientRequest, body: string): Promise<IncomingMessage> =>
  new Promise((done, fail) => {
    asked.once("response", done);
    asked.on("error", fail);
    asked.end(body);
  });
