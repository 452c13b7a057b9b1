/**
 * Stands in for the server while an owner looks at what is not kept yet: it welcomes, says whether an agent is here, and takes
 * what is written. Nothing leaves the browser.
 */

import type { ClientOptions } from "../core/client-api.ts";
import {
  type ClientFrame,
  type ClientFrames,
  decode,
  MAX_TEXT,
  type Message,
  type ServerFrame,
  type Summary,
  VERSION,
} from "../core/protocol.ts";
import type { Handlers, Transport } from "../core/transport.ts";
import type { RoomsApi } from "./rooms-api.ts";

const YOU = { kind: "visitor", id: "you", name: "You" } as const;
const DAY = 86_400;
const ROOM = "room";

/** Ways to a server that is none, for client and panel. */
type Ways = Pick<ClientOptions, "getSession" | "connect"> & { readonly api: RoomsApi };

export const pretend = (who: "here" | "away"): Ways => ({
  getSession: async () => ({ token: "", expiresIn: DAY, url: "" }),
  connect: (_url, handlers) => connect(handlers, who === "here" ? 1 : 0),
  api: {
    ask: () => Promise.reject(new Error("a preview asks nobody")),
    list: async () => [],
    leave: async () => {},
  },
});

function connect(handlers: Handlers, agents: number): Transport {
  const log: Message[] = [];
  const say = (frame: ServerFrame) => setTimeout(() => handlers.text(JSON.stringify(frame)));
  setTimeout(() => handlers.open());
  return {
    close: () => {},
    send(text) {
      for (const frame of answerTo(decode(text) as unknown as ClientFrame, log, agents)) say(frame);
    },
  };
}

function answerTo(frame: ClientFrame, log: Message[], agents: number): readonly ServerFrame[] {
  if (frame.t === "hello") return [WELCOME, { t: "presence", agents }];
  if (frame.t === "open") {
    const joined = { room: ROOM, epoch: ROOM, resumed: false, more: false, people: [], marks: [] };
    const first = append(log, frame);
    return [ackOf(first), { t: "joined", ...joined, summary: summaryOf(log), head: log.length, messages: log }];
  }
  if (frame.t === "send") {
    const message = append(log, frame);
    return [ackOf(message), { t: "msg", room: ROOM, seq: message.seq, message }];
  }
  return [];
}

const WELCOME: ServerFrame = {
  t: "welcome",
  v: VERSION,
  me: YOU,
  rooms: [],
  unread: 0,
  notices: [],
  ping: DAY,
  limits: { text: MAX_TEXT },
};

function append(log: Message[], { cid, text }: ClientFrames["open"] | ClientFrames["send"]): Message {
  const seq = log.length + 1;
  const message: Message = {
    id: cid,
    cid,
    room: ROOM,
    seq,
    changed: seq,
    by: YOU,
    kind: "text",
    text: text ?? "",
    ts: new Date().toISOString(),
    attachments: [],
    reactions: {},
  };
  log.push(message);
  return message;
}

const ackOf = ({ cid, room, seq, id, ts }: Message): ServerFrame => ({ t: "ack", cid: cid ?? id, room, seq, id, ts });

const summaryOf = (log: readonly Message[]): Summary => ({
  id: ROOM,
  kind: "support",
  title: "",
  people: 1,
  head: log.length,
  epoch: ROOM,
  rev: log.length,
});
