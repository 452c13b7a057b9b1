/**
 * A chat client without a face: the socket, the store, and what must be asked or sent again. Both the visitor's panel and
 * the agents' inbox stand on it. All methods may be called in any state; what cannot go now goes after the next welcome.
 */

import type { Client, ClientOptions, Events } from "./client-api.ts";
import { type Clock, realClock } from "./clock.ts";
import { createEmitter, type Listener } from "./emitter.ts";
import { boundedPage, frameOf, optional, positions } from "./outgoing.ts";
import type { Id, Page, Ref, ServerFrame, ServerFrames } from "./protocol.ts";
import { createSocket, type Status } from "./socket.ts";
import { ages, EMPTY, hasHole, NEW_ROOM, type Pending, type Room } from "./state.ts";
import { type Action, passes, reduce } from "./store.ts";
import { cleanText } from "./text.ts";

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

  /** Runs only while something ages. */
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
