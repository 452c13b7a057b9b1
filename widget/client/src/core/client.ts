/**
 * A chat client without a face: the socket, the store, and what must be asked or sent again. Both the visitor's panel and
 * the agents' inbox stand on it. All methods may be called in any state; what cannot go now goes after the next welcome.
 */

import { type Clock, realClock } from "./clock.ts";
import { createEmitter, type Listener } from "./emitter.ts";
import type {
  ClientFrame,
  ClientFrames,
  Id,
  Page,
  PresenceState,
  Ref,
  ServerFrame,
  ServerFrames,
  Summary,
} from "./protocol.ts";
import { createSocket, type SocketOptions, type Status } from "./socket.ts";
import { EMPTY, hasHole, NEW_ROOM, type Pending, type Room, type State } from "./state.ts";
import { type Action, passes, reduce } from "./store.ts";
import { bounded, cleanText } from "./text.ts";

export interface ClientOptions extends Pick<SocketOptions, "getSession" | "connect" | "surroundings" | "clock"> {
  /** BCP 47 tag, told in `hello`. */
  readonly locale?: string;
  /** A UUID; for tests. */
  readonly newId?: () => Id;
}

export interface Events {
  /** A connection begins; its rooms are in the state already. */
  welcome: ServerFrames["welcome"];
  /** The server lost hints: fetch lists again over HTTP. */
  resync: undefined;
}

export interface SendOptions {
  readonly replyTo?: Id;
}

export interface Client {
  state(): State;
  status(): Status;
  /** Calls `fn` after each change of state or status; the answer ends it. */
  subscribe(fn: () => void): () => void;
  on<K extends keyof Events>(name: K, fn: Listener<Events[K]>): () => void;
  start(): void;
  stop(): void;
  /** Connects at once instead of waiting. */
  reconnect(): void;
  /** Answers the `cid` under which the message stands in `state().pending` until the room shows it. */
  send(room: Id, text: string, options?: SendOptions): Id;
  /** Makes a support room with its first message; until the answer it stands under `NEW_ROOM`. */
  open(text: string, form?: Readonly<Record<string, string>>): Id;
  /** Sends a late or refused message again. */
  retry(cid: Id): void;
  /** Gives up a message that was not sent; answers its text. */
  discard(cid: Id): string | undefined;
  join(room: Id): void;
  leave(room: Id): void;
  /** Asks for the page above the oldest line, once at a time. */
  older(room: Id): void;
  read(room: Id, seq: number): void;
  /** Call at each key press: one frame per 3 s leaves. `false` says at once that the typing ended. */
  typing(room: Id, on: boolean, draft?: string): void;
  presence(state: Exclude<PresenceState, "offline">): void;
  page(page: Page): void;
  seen(what: { readonly notification: Id } | { readonly all: true }): void;
  /** Adds summaries that came over HTTP. */
  learn(rooms: readonly Summary[]): void;
}

const REPAIR_WAIT = 20;
const ANSWER_LIMIT = 10_000;
const TYPING_PAUSE = 3_000;
const READ_PAUSE = 300;
const TICK = 1_000;

export function createClient(options: ClientOptions): Client {
  const clock: Clock = options.clock ?? realClock;
  const newId = options.newId ?? (() => crypto.randomUUID());
  const events = createEmitter<Events & { change: undefined }>();
  let state = EMPTY;
  let status: Status = { state: "idle" };
  let refs = 0;
  let currentPage: Page | undefined;
  let myPresence: ClientFrames["presence"]["state"] | undefined;
  /** What this connection was given already, by cid. */
  const handed = new Set<Id>();
  /** Messages that wait out a refusal, with the end of their pause. */
  const paused = new Map<Id, () => void>();
  const repairs = new Map<Id, () => void>();
  const reads = new Map<Id, () => void>();
  const typed = new Map<Id, number>();
  let ticking: (() => void) | undefined;

  const socket = createSocket({
    ...options,
    hello: () => ({ rooms: positions(state), ...optional({ locale: options.locale, page: currentPage }) }),
    onFrame: received,
    onStatus(next) {
      const wasOnline = status.state === "online";
      status = next;
      if (wasOnline && next.state !== "online") lost();
      else changed();
    },
  });

  const changed = () => events.emit("change", undefined);

  function dispatch(action: Action): void {
    const before = state;
    state = reduce(state, action);
    if (state !== before) changed();
    keepTime();
  }

  function received(frame: ServerFrame): void {
    dispatch({ type: "frame", frame, now: clock.now() });
    if (frame.t === "welcome") welcomed(frame);
    if (frame.t === "err") refused(frame);
    if (frame.t === "resync") resync();
    if (frame.t === "joined") rereadMine(frame);
    flush();
    repairAll();
  }

  function welcomed(frame: ServerFrames["welcome"]): void {
    events.emit("welcome", frame);
    if (myPresence) socket.send({ t: "presence", state: myPresence });
    for (const room of Object.values(state.rooms)) if (room.joined && !room.epoch) ask(room);
  }

  function lost(): void {
    handed.clear();
    typed.clear();
    for (const cancels of [paused, repairs]) {
      for (const cancel of cancels.values()) cancel();
      cancels.clear();
    }
    dispatch({ type: "lost" });
    changed();
  }

  /** A mark set while the line was down, or lost on the way. */
  function rereadMine({ room, marks }: ServerFrames["joined"]): void {
    const me = state.me?.id;
    const mine = state.rooms[room]?.marks[me ?? ""] ?? 0;
    const theirs = marks.find((one) => one.who === me)?.seq ?? 0;
    if (mine > theirs) socket.send({ t: "read", room, seq: mine });
  }

  function resync(): void {
    for (const room of Object.values(state.rooms)) if (room.joined && !room.catchUp) ask(room);
    events.emit("resync", undefined);
  }

  /** Hands every waiting message to the connection once, in order; one that pauses holds those behind it in its room. */
  function flush(): void {
    if (status.state !== "online") return;
    const held = new Set<Id>();
    for (const one of state.pending) {
      const first = !held.has(one.room);
      if (one.room === NEW_ROOM || paused.has(one.cid)) held.add(one.room);
      if (one.state === "waiting" && first && !paused.has(one.cid) && !handed.has(one.cid)) hand(one);
    }
  }

  function hand(one: Pending): void {
    if (socket.send(frameOf(one))) handed.add(one.cid);
  }

  function refused(frame: ServerFrames["err"]): void {
    const { cid } = frame;
    const ms = Math.max(frame.retry_after ?? 1, 0.1) * 1000;
    if (cid !== undefined && passes(frame.code)) {
      handed.delete(cid);
      paused.set(
        cid,
        clock.after(ms, () => paused.delete(cid) && flush()),
      );
    }
  }

  /** Rule 3: two processes may publish out of order, so a hole gets 20 ms to fill by itself. */
  function repairAll(): void {
    for (const room of Object.values(state.rooms)) {
      if (needsRepair(room) && !repairs.has(room.id)) {
        const wait = room.loaded ? REPAIR_WAIT : ANSWER_LIMIT / 10;
        repairs.set(
          room.id,
          clock.after(wait, () => repair(room.id)),
        );
      }
    }
  }

  function repair(id: Id): void {
    repairs.delete(id);
    const room = state.rooms[id];
    if (room && needsRepair(room)) ask(room);
  }

  const needsRepair = (room: Room): boolean => {
    if (room.catchUp) return clock.now() - room.catchUp.at > ANSWER_LIMIT;
    return hasHole(room) || (room.joined && !room.loaded);
  };

  function ask(room: Room): void {
    const ref = ++refs;
    const position = room.loaded && room.epoch ? { epoch: room.epoch, after: room.last } : {};
    if (!socket.send({ t: "join", ref, room: room.id, ...position })) return;
    dispatch({ type: "asked", kind: "catchUp", room: room.id, ref, now: clock.now() });
  }

  function write(room: Id, text: string, extra: Pick<Pending, "replyTo" | "form">): Id {
    const cid = newId();
    typed.delete(room);
    dispatch({
      type: "wrote",
      pending: { cid, room, text: cleanText(text), at: clock.now(), state: "waiting", ...extra },
    });
    flush();
    return cid;
  }

  /** Runs only while something ages: typing that expires, a message that becomes late, a question without an answer. */
  function keepTime(): void {
    if (ticking || !ages(state)) return;
    ticking = clock.after(TICK, () => {
      ticking = undefined;
      dispatch({ type: "tick", now: clock.now() });
      repairAll();
      changed();
    });
  }

  return {
    state: () => state,
    status: () => status,
    subscribe: (fn) => events.on("change", fn),
    on: (name, fn) => events.on(name, fn as Listener<unknown>),
    start: () => socket.start(),
    stop() {
      socket.stop();
      ticking?.();
      ticking = undefined;
    },
    reconnect: () => socket.retry(),
    send: (room, text, { replyTo } = {}) => write(room, text, optional({ replyTo })),
    open: (text, form) => write(NEW_ROOM, text, optional({ form })),
    retry(cid) {
      handed.delete(cid);
      dispatch({ type: "again", cid, now: clock.now() });
      flush();
      socket.retry();
    },
    discard(cid) {
      const text = state.pending.find((one) => one.cid === cid)?.text;
      dispatch({ type: "dropped", cid });
      return text;
    },
    join(id) {
      if (state.rooms[id]?.joined) return;
      dispatch({ type: "want", room: id, joined: true });
      const room = state.rooms[id];
      if (room) ask(room);
    },
    leave(id) {
      if (!state.rooms[id]?.joined) return;
      dispatch({ type: "want", room: id, joined: false });
      socket.send({ t: "leave", ref: ++refs, room: id });
    },
    older(id) {
      const room = state.rooms[id];
      const oldest = room?.messages[0];
      if (!room?.loaded || !room.more || room.older || !oldest) return;
      const ref: Ref = ++refs;
      if (socket.send({ t: "history", ref, room: id, before: oldest.seq })) {
        dispatch({ type: "asked", kind: "older", room: id, ref, now: clock.now() });
      }
    },
    read(id, seq) {
      const me = state.me?.id;
      if (me === undefined || seq <= (state.rooms[id]?.marks[me] ?? 0)) return;
      dispatch({ type: "marked", room: id, seq });
      if (reads.has(id)) return;
      reads.set(
        id,
        clock.after(READ_PAUSE, () => sendMark(id)),
      );
    },
    typing(room, on, draft) {
      const soon = clock.now() - (typed.get(room) ?? Number.NEGATIVE_INFINITY) < TYPING_PAUSE;
      if (on ? soon : !typed.has(room)) return;
      if (on) typed.set(room, clock.now());
      else typed.delete(room);
      socket.send({ t: "typing", room, on, ...optional({ draft }) });
    },
    presence(next) {
      myPresence = next;
      socket.send({ t: "presence", state: next });
    },
    page(page) {
      currentPage = boundedPage(page);
      socket.send({ t: "page", ...currentPage });
    },
    seen(what) {
      dispatch({ type: "seen", what: { t: "seen", ...what } });
      socket.send({ t: "seen", ...what });
    },
    learn: (rooms) => dispatch({ type: "learned", rooms }),
  };

  function sendMark(id: Id): void {
    reads.delete(id);
    const seq = state.rooms[id]?.marks[state.me?.id ?? ""];
    if (seq !== undefined) socket.send({ t: "read", room: id, seq });
  }
}

const positions = (state: State) =>
  Object.values(state.rooms).flatMap((room) =>
    room.joined && room.loaded && room.epoch ? [{ room: room.id, epoch: room.epoch, after: room.last }] : [],
  );

/** The server refuses longer ones; a page's address may hold anything. */
const boundedPage = ({ url, title, referrer }: Page): Page => ({
  url: bounded(url, 2000),
  title: bounded(title, 300),
  referrer: bounded(referrer, 2000),
});

const ages = (state: State): boolean =>
  state.pending.some((one) => one.state === "waiting") ||
  Object.values(state.rooms).some((room) => room.typing.length > 0 || room.catchUp);

function frameOf(one: Pending): ClientFrame {
  const { cid, room, text } = one;
  if (room === NEW_ROOM) return { t: "open", cid, kind: "support", text, ...optional({ form: one.form }) };
  return { t: "send", cid, room, text, ...optional({ reply_to: one.replyTo }) };
}

/** The fields that have a value: `undefined` is not a value on the wire. */
function optional<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
