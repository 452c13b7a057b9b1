/**
 * What the inbox shows beside what the client knows: the filter, how far lists were paged, the open room and its visitor.
 * Components read `view()` and call the verbs; nothing else holds state that outlives a component.
 */

import { type Client, type Id, realClock, type ServerFrames, type State, type Summary } from "../core/index.ts";
import type { Line } from "../ui/lines.ts";
import { type Api, Failed, type Member, type Visitor } from "./api.ts";
import { type Connection, createConnectionLine } from "./connection.ts";
import type { Drafts } from "./drafts.ts";
import { type Filter, filterOf, noPages, type Pages, type Paging, pageRead } from "./rooms.ts";

/** The open room's visitor, as HTTP told it. */
export interface Details {
  readonly room: Id;
  readonly state: "loading" | "ready" | "failed" | "gone";
  readonly visitor: Visitor | null;
}

/** A change of the room's status or holder under way, or refused. */
export interface StatusChange {
  readonly room: Id;
  readonly what: "status" | "holder";
  readonly state: "busy" | "failed";
}

/** What the composer is for when it is not for a new message. */
export interface Task {
  readonly what: "reply" | "edit";
  readonly line: Line;
}

export interface View {
  readonly chat: State;
  readonly connection: Connection;
  /** Who is on the site. Null while the line is down and nobody can know. */
  readonly visitors: State["visitors"] | null;
  readonly filter: Filter;
  readonly pages: Pages;
  readonly room: Id | null;
  readonly details: Details | null;
  readonly change: StatusChange | null;
  /** Who can be named and given rooms; empty until it was read. */
  readonly team: readonly Member[];
  readonly task: Task | null;
  /** Whether the composer writes a note for the team. */
  readonly isNoting: boolean;
  /** Goes up when words came back into a draft, so that the composer reads it anew. */
  readonly takenBack: number;
  /** Milliseconds since the epoch, a few seconds old at most. */
  readonly now: number;
}

export interface Model {
  readonly client: Client;
  readonly api: Api;
  view(): View;
  /** Calls `fn` after each change; the answer ends it. */
  subscribe(fn: () => void): () => void;
  /** Connects, and follows the browser and the clock. */
  start(): void;
  /** Opens a room, or closes the open one with null. The address is the caller's. */
  open(room: Id | null): void;
  show(filter: Filter): void;
  /** Reads on where the filter's list ends; also tries again after a failure. */
  more(): void;
  reloadDetails(): void;
  /** Resolves an open room, reopens a resolved one. */
  toggleStatus(): void;
  /** Gives the open room to an agent, or to nobody. */
  give(agent: Id | null): void;
  /** What the composer is for from now on; null: a new message. */
  begin(task: Task | null): void;
  /** Notes for the team, or answers for the visitor. */
  note(on: boolean): void;
  readonly drafts: Drafts;
  /** Gives up a message that was not sent: its words go back into the room's draft. */
  takeBack(room: Id, cid: Id): void;
}

/** The open room and the notes about it. */
function roomAndNotes({ room, chat }: View): Id[] {
  const notes = room ? chat.rooms[room]?.summary?.notes : undefined;
  return [room, notes].filter((id): id is Id => Boolean(id));
}

const TICK = 15_000;
const NOT_FOUND = 404;

export function createModel(client: Client, api: Api, drafts: Drafts): Model {
  const listeners = new Set<() => void>();
  const line = createConnectionLine(realClock, () => set({ connection: line.current(), visitors: visitorsNow() }));
  let view: View = {
    chat: client.state(),
    connection: line.current(),
    visitors: {},
    filter: "open",
    pages: noPages,
    room: null,
    details: null,
    change: null,
    team: [],
    task: null,
    isNoting: false,
    takenBack: 0,
    now: Date.now(),
  };

  /** The open room and its name, as they were last. */
  let looked: { readonly room: Id | null; readonly title?: string | undefined } = { room: null };

  function set(part: Partial<View>): void {
    view = { ...view, ...part, now: Date.now() };
    for (const listener of [...listeners]) listener();
  }

  function followed(): void {
    line.update(client.status(), navigator.onLine !== false);
    joinNotes();
    set({ chat: client.state(), connection: line.current(), visitors: visitorsNow(), ...goneRoom() });
    lookAgain();
  }

  /** There is more to know of a visitor whom the site has signed in under our eyes: their room bears another name then. */
  function lookAgain(): void {
    const { room } = view;
    const title = client.state().rooms[room ?? ""]?.summary?.title;
    const isNamed = room !== null && room === looked.room && looked.title !== undefined && title !== looked.title;
    looked = { room, title };
    if (isNamed) void fetchDetails(room).then((details) => view.room === room && details.visitor && set({ details }));
  }

  /** The open room was deleted under our eyes. */
  function goneRoom(): Partial<View> {
    const { room } = view;
    const isNews = room !== null && room in client.state().left && view.details?.state !== "gone";
    return isNews ? { details: { room, state: "gone", visitor: null } } : {};
  }

  /** The notes about the open room come with it. */
  function joinNotes(): void {
    const notes = view.room ? client.state().rooms[view.room]?.summary?.notes : undefined;
    if (notes && !client.state().rooms[notes]?.joined) client.join(notes);
  }

  /** A hiccup of the line does not make everybody leave and come back. */
  function visitorsNow(): View["visitors"] {
    if (client.status().state === "online") return client.state().visitors;
    return line.current().state === "well" ? view.visitors : null;
  }

  const setPage = (filter: Filter, page: Partial<Paging>) =>
    set({ pages: { ...view.pages, [filter]: { ...view.pages[filter], ...page } } });

  /** `welcome` begins the open list again. What was resolved meanwhile by others is no part of it, so that is asked for. */
  function welcomed({ rooms, cursor }: ServerFrames["welcome"]): void {
    api.team().then(
      ({ members }) => set({ team: members }),
      () => {}, // read again with the next welcome
    );
    const isReturn = view.pages.open.state === "ready";
    setPage("open", pageRead(rooms, cursor));
    rereadBeside(isReturn);
    if (view.room && view.details?.state !== "ready") reloadDetails();
  }

  function rereadBeside(all: boolean): void {
    for (const filter of ["resolved", "rooms"] as const) if (all || view.filter === filter) void read(filter, null);
  }

  /** Any list may lack something, and show as open what others resolved. */
  function resynced(): void {
    void read("open", null);
    rereadBeside(true);
  }

  async function read(filter: Filter, cursor: string | null): Promise<void> {
    setPage(filter, { state: "loading" });
    try {
      const page = await api.rooms(filter, cursor);
      client.learn(page.rooms);
      setPage(filter, pageRead(page.rooms, page.cursor));
    } catch {
      setPage(filter, { state: "failed" });
    }
  }

  function more(): void {
    const page = view.pages[view.filter];
    if (page.state === "loading") return;
    if (page.state === "ready" && page.cursor === null) return;
    void read(view.filter, page.cursor);
  }

  function show(filter: Filter): void {
    set({ filter });
    if (filter !== "open" && view.pages[filter].state === "idle") more();
  }

  function open(room: Id | null): void {
    if (room === view.room) return;
    for (const old of roomAndNotes(view)) client.leave(old);
    set({ room, details: null, change: null, task: null, isNoting: false });
    if (!room) return;
    client.join(room);
    reloadDetails();
  }

  function reloadDetails(): void {
    if (view.room) void loadDetails(view.room);
  }

  async function loadDetails(room: Id): Promise<void> {
    set({ details: { room, state: "loading", visitor: null } });
    const details = await fetchDetails(room);
    if (view.room === room) set({ details });
  }

  async function fetchDetails(room: Id): Promise<Details> {
    try {
      const found = await api.room(room);
      client.learn([found.room]);
      return { room, state: "ready", visitor: found.visitor };
    } catch (error) {
      const isGone = error instanceof Failed && error.status === NOT_FOUND;
      return { room, state: isGone ? "gone" : "failed", visitor: null };
    }
  }

  function toggleStatus(): void {
    const summary = supportRoom();
    if (summary) void change("status", summary.id, filterOf(summary) === "open" ? api.resolve : api.reopen);
  }

  function give(agent: Id | null): void {
    const summary = supportRoom();
    if (summary) void change("holder", summary.id, (room) => api.assign(room, agent));
  }

  /** The open room, if it can be changed now. */
  function supportRoom(): Summary | undefined {
    const summary = view.room ? view.chat.rooms[view.room]?.summary : undefined;
    return summary?.kind === "support" && view.change?.state !== "busy" ? summary : undefined;
  }

  async function change(
    what: StatusChange["what"],
    room: Id,
    act: (room: Id) => Promise<{ room: Summary }>,
  ): Promise<void> {
    set({ change: { room, what, state: "busy" } });
    let change: StatusChange | null = null;
    try {
      client.learn([(await act(room)).room]);
    } catch {
      change = { room, what, state: "failed" };
    }
    if (view.change?.room === room) set({ change });
  }

  client.subscribe(followed);
  client.on("welcome", welcomed);
  client.on("resync", resynced);

  return {
    client,
    api,
    view: () => view,
    subscribe(fn) {
      listeners.add(fn);
      return () => void listeners.delete(fn);
    },
    start() {
      setInterval(() => set({}), TICK);
      window.addEventListener("online", followed);
      window.addEventListener("offline", followed);
      client.start();
    },
    open,
    show,
    more,
    reloadDetails,
    toggleStatus,
    give,
    begin: (task) => set({ task, isNoting: task ? task.line.room !== view.room : view.isNoting }),
    note: (isNoting) => set({ isNoting, task: null }),
    drafts,
    takeBack(room, cid) {
      drafts.keep(room, [drafts.of(room), client.discard(cid)].filter(Boolean).join("\n"));
      set({ takenBack: view.takenBack + 1 });
    },
  };
}
