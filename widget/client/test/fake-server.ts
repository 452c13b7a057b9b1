import type { ClientFrame, ErrorCode, Id, Message, ServerFrame } from "../src/core/protocol.ts";
import type { Connect, Handlers, Signal, Surroundings } from "../src/core/transport.ts";
import type { FakeClock } from "./fake-clock.ts";

/** A server in memory that keeps the promises of the protocol, with faults that a test can order. */

const EPOCH = "00000000-0000-4000-8000-0000000000e0";
const PAGE = 20;
const CATCH_UP = 200;
export const VIC = { kind: "visitor", id: "00000000-0000-4000-8000-0000000000f1", name: "Vic" } as const;
export const BEN = { kind: "agent", id: "00000000-0000-4000-8000-0000000000b1", name: "Ben" } as const;

export interface Faults {
  /** Chance that a frame, either way, is lost together with its connection. */
  kill: number;
  /** Chance that an `ack` is withheld. */
  muteAck: number;
  /** Chance that a broadcast is lost without a sign. */
  muteLine: number;
  /** Most milliseconds that a broadcast may be late, each on its own. */
  jitter: number;
}

interface Room {
  readonly id: Id;
  /** By birth, as they are now. */
  readonly log: Message[];
  /** The answer to each cid: a number, and the message. */
  readonly cids: Map<Id, { readonly seq: number; readonly id: Id; readonly ts: string }>;
  head: number;
}

type ChangeFrame = Extract<ClientFrame, { readonly t: "edit" | "delete" | "react" }>;

interface Connection {
  readonly handlers: Handlers;
  readonly joined: Set<Id>;
  open: boolean;
}

export interface FakeServer {
  readonly connect: Connect;
  readonly received: ClientFrame[];
  readonly faults: Faults;
  /** How many of the next messages are refused as too fast. */
  refuse: number;
  /** The refusal of every change, if they are refused. */
  refuseChanges: ErrorCode | undefined;
  readonly surroundings: Surroundings & { visible: () => boolean };
  /** How often someone connected. */
  dials(): number;
  /** Whether connections are refused. */
  down: boolean;
  /** How many of the next hellos end their connections. */
  unwelcome: number;
  hidden: boolean;
  /** Whether nothing passes any more, while connections look open. */
  dead: boolean;
  signal(signal: Signal): void;
  room(): Room | undefined;
  /** A line by Ben, published to whoever is joined. */
  say(text: string): void;
  /** To every connection. */
  tell(frame: ServerFrame): void;
  close(code: number): void;
  ping(): void;
}

export function fakeServer(clock: FakeClock): FakeServer {
  const connections = new Set<Connection>();
  const received: ClientFrame[] = [];
  const watchers = new Set<(signal: Signal) => void>();
  const faults: Faults = { kill: 0, muteAck: 0, muteLine: 0, jitter: 0 };
  const rooms = new Map<Id, Room>();
  let dials = 0;
  let made = 0;

  const happens = (chance: number) => chance > 0 && clock.random() < chance;
  const id = () => `00000000-0000-4000-9000-${String(++made).padStart(12, "0")}`;

  function kill(connection: Connection, code = 1006): void {
    if (!connections.delete(connection)) return;
    connection.open = false;
    clock.after(1, () => connection.handlers.close(code));
  }

  function push(connection: Connection, frame: ServerFrame, late = 0): void {
    clock.after(1 + late, () => {
      if (!connection.open || server.dead) return;
      if (happens(faults.kill)) kill(connection);
      else connection.handlers.text(JSON.stringify(frame));
    });
  }

  function publish(room: Room, frame: ServerFrame): void {
    for (const connection of connections) {
      if (!connection.joined.has(room.id) || happens(faults.muteLine)) continue;
      push(connection, frame, Math.floor(clock.random() * faults.jitter));
    }
  }

  function append(room: Room, by: typeof VIC | typeof BEN, text: string, cid?: Id): Message {
    const seq = ++room.head;
    const ts = new Date(clock.now()).toISOString();
    const bare = {
      id: id(),
      room: room.id,
      seq,
      changed: seq,
      by,
      kind: "text",
      text,
      ts,
      attachments: [],
      reactions: {},
    } as const;
    const message = cid === undefined ? bare : { ...bare, cid };
    room.log.push(message);
    if (cid !== undefined) room.cids.set(cid, message);
    publish(room, { t: "msg", room: room.id, seq, message });
    return message;
  }

  const summary = (room: Room) =>
    ({
      id: room.id,
      kind: "support",
      title: "Vic",
      people: 2,
      head: room.head,
      epoch: EPOCH,
      rev: room.head,
      unread: 0,
    }) as const;

  function join(connection: Connection, room: Room, after: number | undefined, ref?: number | string): void {
    connection.joined.add(room.id);
    const head = room.head;
    const resumed = after !== undefined && after <= head && head - after <= CATCH_UP;
    const found = resumed ? changedSince(room, after) : room.log.slice(-PAGE);
    const more = resumed ? found.length > PAGE : room.log.length > PAGE;
    const base = { room: room.id, summary: summary(room), epoch: EPOCH, head, resumed, people: [], marks: [] };
    const messages = resumed ? found.slice(0, PAGE) : found;
    push(connection, { t: "joined", ...(ref === undefined ? {} : { ref }), ...base, messages, more });
    for (let at = PAGE; resumed && at < found.length; at += PAGE) {
      const rest = { messages: found.slice(at, at + PAGE), more: at + PAGE < found.length };
      push(connection, { t: "page", ref: ref ?? room.id, room: room.id, ...rest }, at * 2);
    }
  }

  function acknowledge(connection: Connection, room: Room, cid: Id): void {
    const line = room.cids.get(cid);
    if (line && !happens(faults.muteAck))
      push(connection, { t: "ack", cid, room: room.id, seq: line.seq, id: line.id, ts: line.ts });
  }

  /** The same again is answered again; what changes nothing takes no number. */
  function change(connection: Connection, room: Room, frame: ChangeFrame): void {
    const at = room.log.findIndex((line) => line.id === frame.message);
    const known = room.log[at];
    const code = server.refuseChanges ?? (known ? undefined : "not_found");
    if (!known || code) {
      push(connection, { t: "err", cid: frame.cid, code: code ?? "internal", message: "No." });
      return;
    }
    if (!room.cids.has(frame.cid)) {
      const next = changed(known, frame);
      const seq = next === known ? known.changed : ++room.head;
      room.cids.set(frame.cid, { seq, id: known.id, ts: known.ts });
      if (next !== known) room.log[at] = { ...next, changed: seq };
      const message = room.log[at] as Message;
      if (next !== known) publish(room, { t: "upd", room: room.id, seq, message });
    }
    acknowledge(connection, room, frame.cid);
  }

  function write(connection: Connection, room: Room, cid: Id, text: string): void {
    if (server.refuse-- > 0) {
      push(connection, { t: "err", cid, code: "rate_limited", message: "Slow down.", retry_after: 2 });
      return;
    }
    if (!room.cids.has(cid)) append(room, VIC, text, cid);
    acknowledge(connection, room, cid);
  }

  function open(connection: Connection, cid: Id, text: string): void {
    const known = [...rooms.values()].find((one) => one.cids.has(cid));
    const made: Room = known ?? { id: id(), log: [], cids: new Map(), head: 0 };
    rooms.set(made.id, made);
    if (!made.cids.has(cid)) append(made, VIC, text, cid);
    join(connection, made, undefined);
    acknowledge(connection, made, cid);
  }

  function handle(connection: Connection, frame: ClientFrame): void {
    received.push(frame);
    const room = "room" in frame ? rooms.get(frame.room) : undefined;
    if (frame.t === "hello" && server.unwelcome > 0) {
      server.unwelcome -= 1;
      kill(connection);
      return;
    }
    if (frame.t === "hello") {
      const known = [...rooms.values()].map(summary);
      push(connection, {
        t: "welcome",
        v: 1,
        me: VIC,
        rooms: known,
        unread: 0,
        notices: [],
        ping: 25,
        limits: { text: 4000 },
      });
      for (const one of frame.rooms ?? []) join(connection, rooms.get(one.room) as Room, one.after);
    }
    if (frame.t === "auth") push(connection, { t: "authed", expires_in: 900 });
    if (frame.t === "open") open(connection, frame.cid, frame.text ?? "");
    if (frame.t === "ping") push(connection, { t: "pong", n: frame.n });
    if (!room) return;
    if (frame.t === "send") write(connection, room, frame.cid, frame.text ?? "");
    if (frame.t === "edit" || frame.t === "delete" || frame.t === "react") change(connection, room, frame);
    if (frame.t === "join") join(connection, room, frame.after, frame.ref);
    if (frame.t === "history") {
      const before = room.log.filter((line) => line.seq < frame.before);
      const messages = before.slice(-PAGE);
      push(connection, { t: "page", ref: frame.ref, room: room.id, messages, more: before.length > PAGE });
    }
  }

  const server: FakeServer = {
    received,
    faults,
    refuse: 0,
    refuseChanges: undefined,
    down: false,
    unwelcome: 0,
    hidden: false,
    dead: false,
    dials: () => dials,
    room: () => [...rooms.values()][0],
    connect(_url, handlers) {
      dials += 1;
      const connection: Connection = { handlers, joined: new Set(), open: true };
      connections.add(connection);
      if (server.down) kill(connection);
      else clock.after(1, () => connection.open && handlers.open());
      return {
        send(text) {
          if (!connection.open || server.dead) return;
          if (happens(faults.kill)) return kill(connection);
          clock.after(1, () => connection.open && handle(connection, JSON.parse(text) as ClientFrame));
        },
        close: () => kill(connection),
      };
    },
    surroundings: {
      visible: () => !server.hidden,
      watch(fn) {
        watchers.add(fn);
        return () => void watchers.delete(fn);
      },
    },
    signal: (signal) => {
      for (const fn of watchers) fn(signal);
    },
    say(text) {
      const room = server.room();
      if (room) append(room, BEN, text);
    },
    tell: (frame) => {
      for (const connection of connections) push(connection, frame);
    },
    close: (code) => {
      for (const connection of connections) kill(connection, code);
    },
    ping() {
      const heads = Object.fromEntries([...rooms.values()].map((room) => [room.id, room.head]));
      server.tell({ t: "ping", n: 0, heads });
    },
  };
  return server;
}

const changedSince = (room: Room, after: number): Message[] =>
  room.log.filter((line) => line.changed > after).sort((a, b) => a.changed - b.changed);

/** The message after the change, or itself where nothing changes. */
function changed(message: Message, frame: ChangeFrame): Message {
  if (message.deleted) return message;
  if (frame.t === "delete") return { ...message, text: "", reactions: {}, deleted: true };
  if (frame.t === "edit") {
    return message.text === frame.text ? message : { ...message, text: frame.text, edited_at: message.ts };
  }
  const who = message.reactions[frame.emoji]?.who ?? [];
  if (who.includes(VIC.id) === frame.on) return message;
  const next = frame.on ? [...who, VIC.id] : who.filter((one) => one !== VIC.id);
  const { [frame.emoji]: _old, ...others } = message.reactions;
  const reactions = next.length > 0 ? { ...others, [frame.emoji]: { n: next.length, who: next } } : others;
  return { ...message, reactions };
}
