/**
 * A chat client without a face: the socket, the store, and what must be asked or sent again. Both the visitor's panel and
 * the agents' inbox stand on it. All methods may be called in any state; what cannot go now goes after the next welcome.
 */

import type { Client, ClientOptions, Events } from "./client-api.ts";
import { type Clock, realClock } from "./clock.ts";
import { createEmitter, type Listener } from "./emitter.ts";
import { boundedPage, optional, positions } from "./outgoing.ts";
import type { ClientFrames, Id, Page, ServerFrame, ServerFrames } from "./protocol.ts";
import { createRepair } from "./repair.ts";
import { createSender } from "./sender.ts";
import { createSignals } from "./signals.ts";
import { createSocket, type Status } from "./socket.ts";
import {
  ages,
  type Change,
  EMPTY,
  isChange,
  type Mood,
  NEW_ROOM,
  type Pending,
  type Room,
  type Wish,
} from "./state.ts";
import { type Action, reduce } from "./store.ts";
import { cleanText } from "./text.ts";

const TICK = 1_000;

export function createClient(options: ClientOptions): Client {
  const clock: Clock = options.clock ?? realClock;
  const newId = options.newId ?? (() => crypto.randomUUID());
  const events = createEmitter<Events & { change: undefined }>();
  let state = EMPTY;
  let status: Status = { state: "idle" };
  let refs = 0;
  let currentPage: Page | undefined;
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
  const sender = createSender(clock, () => state, socket.send);
  const repair = createRepair(clock, () => state, ask);
  const signals = createSignals(clock, socket.send);

  const changed = () => events.emit("change", undefined);

  function dispatch(action: Action): void {
    const before = state;
    state = reduce(state, action);
    if (state !== before) changed();
    keepTime();
  }

  function received(frame: ServerFrame): void {
    const before = state;
    dispatch({ type: "frame", frame, now: clock.now() });
    if (frame.t === "welcome") welcomed(frame);
    if (frame.t === "err" && frame.cid !== undefined) sender.forget(frame.cid);
    if (frame.t === "notice" && state !== before) events.emit("notice", frame);
    if (frame.t === "resync") resync();
    if (frame.t === "joined") rereadMine(frame);
    sender.flush();
    repair.look();
  }

  /** What I said while the line was down, or what was lost on the way. */
  function welcomed(frame: ServerFrames["welcome"]): void {
    events.emit("welcome", frame);
    for (const room of Object.values(state.rooms)) if (room.joined && !room.epoch) ask(room);
    for (const notification of state.dismissed) socket.send({ t: "seen", notification });
    if (state.isUnsaid) presence(state.mood);
  }

  function lost(): void {
    sender.lost();
    repair.lost();
    signals.lost();
    dispatch({ type: "lost" });
    changed();
  }

  /** A mark set while the line was down, or lost on the way. */
  function rereadMine({ room, marks }: ServerFrames["joined"]): void {
    const me = state.me?.id;
    const mine = myMark(room);
    const theirs = marks.find((one) => one.who === me)?.seq ?? 0;
    if (mine > theirs) socket.send({ t: "read", room, seq: mine });
  }

  const myMark = (room: Id): number => state.rooms[room]?.marks[state.me?.id ?? ""] ?? 0;

  function resync(): void {
    for (const room of Object.values(state.rooms)) if (room.joined && !room.catchUp) ask(room);
    events.emit("resync", undefined);
  }

  function ask(room: Room): void {
    const position = room.loaded && room.epoch ? { epoch: room.epoch, after: room.last } : {};
    question("catchUp", { t: "join", ref: ++refs, room: room.id, ...position });
  }

  function presence(mood: Mood): void {
    dispatch({ type: "mood", mood });
    socket.send({ t: "presence", state: mood });
  }

  function question(kind: "catchUp" | "older", frame: ClientFrames["join"] | ClientFrames["history"]): void {
    const { ref, room } = frame;
    if (socket.send(frame)) dispatch({ type: "asked", kind, room, ref, now: clock.now() });
  }

  function write(room: Id, text: string, extra: Pick<Pending, "replyTo" | "form">): Id {
    signals.wrote(room);
    return put({ room, text: cleanText(text), ...extra });
  }

  const change = (room: Id, message: Id, wish: Wish): Id => put({ room, message, wish });

  function put(what: Omit<Pending, "cid" | "at" | "state"> | Omit<Change, "cid" | "at" | "state">): Id {
    const cid = newId();
    dispatch({ type: "wrote", pending: { cid, at: clock.now(), state: "waiting", ...what } });
    sender.flush();
    return cid;
  }

  /** Runs only while something ages. */
  function keepTime(): void {
    if (ticking || !ages(state, clock.now())) return;
    ticking = clock.after(TICK, () => {
      ticking = undefined;
      dispatch({ type: "tick", now: clock.now() });
      repair.look();
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
    edit: (room, message, text) => change(room, message, { what: "edit", text: cleanText(text) }),
    remove: (room, message) => change(room, message, { what: "delete" }),
    react: (room, message, emoji, on) => change(room, message, { what: "react", emoji, on }),
    retry(cid) {
      sender.forget(cid);
      dispatch({ type: "again", cid, now: clock.now() });
      sender.flush();
      socket.retry();
    },
    discard(cid) {
      const one = state.pending.find((other) => other.cid === cid);
      dispatch({ type: "dropped", cid });
      if (!one || !isChange(one)) return one?.text;
      return one.wish.what === "edit" ? one.wish.text : undefined;
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
      question("older", { t: "history", ref: ++refs, room: id, before: oldest.seq });
    },
    read(id, seq) {
      if (state.me === undefined || seq <= myMark(id)) return;
      dispatch({ type: "marked", room: id, seq });
      signals.read(id, () => myMark(id));
    },
    typing: signals.typing,
    page(page) {
      currentPage = boundedPage(page);
      socket.send({ t: "page", ...currentPage });
    },
    presence,
    markSeen(what) {
      dispatch({ type: "seen", what });
      socket.send(what === "all" ? { t: "seen", all: true } : { t: "seen", notification: what });
    },
    learn: (rooms) => dispatch({ type: "learned", rooms }),
  };
}
