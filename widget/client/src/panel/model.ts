/** Between client, page and view: which room is shown, whether anybody looks, and what the launcher is told. */

import type { Client } from "../core/client-api.ts";
import { createEmitter } from "../core/emitter.ts";
import type { Id } from "../core/protocol.ts";
import { NEW_ROOM, ownRoom, type Pending, pendingOf, type Room } from "../core/state.ts";
import type { Line } from "../ui/lines.ts";
import type { Host } from "./host.ts";
import type { Offered, RoomsApi } from "./rooms-api.ts";
import type { Visitor } from "./session.ts";

export type Drafts = Record<Id, string>;

/** What the composer is for when it is not for a new message. */
export interface Task {
  readonly what: "reply" | "edit";
  readonly line: Line;
}

export interface Model {
  readonly client: Client;
  readonly api: RoomsApi;
  /** Who is here, once the server has said. */
  readonly who: () => Visitor | undefined;
  /** The code of an invitation that the page's address brought along. */
  readonly invitation: string | undefined;
  /** The room that is shown: the visitor's newest support room, once there is one, or the community room they chose. */
  room(): Room | undefined;
  /** Community rooms of the site that the visitor may join. */
  offered(): readonly Offered[];
  /** Whether the list of rooms is shown instead of a room. */
  isListing(): boolean;
  /** Shows the list of rooms. */
  list(): void;
  /** Shows a community room; null is the visitor's own room with the team. */
  show(room: Id | null): void;
  /** Gives up the place in the community room that is shown. */
  leave(): void;
  /** What the visitor wrote and the room does not show yet. */
  pending(): readonly Pending[];
  /** Whether the panel is on screen. */
  isShown(): boolean;
  /** What is in the composer, and what for. */
  draft(): string;
  /** What was begun, by room; the visitor's own with the team has no name yet. */
  readonly drafts: Drafts;
  task(): Task | undefined;
  /** An edit begins with the message's words; undefined ends it, and the words before it are there again. */
  begin(task: Task | undefined): void;
  write(text: string): void;
  send(): void;
  /** Takes a message back into the composer. */
  edit(cid: Id): void;
  close(): void;
  subscribe(fn: () => void): () => void;
}

/** In an address, before the code of an invitation. It goes to the server by itself only: `boundedPage` cuts it off. */
const INVITED = "#porchlight=";

export function createModel(client: Client, host: Host, api: RoomsApi, who: Model["who"]): Model {
  const events = createEmitter<{ change: undefined }>();
  let shown = host.hello.shown;
  const drafts: Drafts = {};
  let edited = "";
  let task: Task | undefined;
  let chosen: Id | null = null;
  let listing = false;
  let offered: readonly Offered[] = [];
  let told = 0;

  const changed = () => events.emit("change", undefined);
  const room = () => (chosen ? client.state().rooms[chosen] : ownRoom(client.state()));

  function update(): void {
    if (chosen && client.state().left[chosen]) show(null);
    const own = ownRoom(client.state());
    if (own && !own.joined) client.join(own.id);
    const count = shown ? 0 : Object.values(client.state().rooms).reduce((sum, one) => sum + one.unread, 0);
    if (count !== told) host.tell({ t: "unread", count });
    told = count;
    changed();
  }

  const isEdit = () => task?.what === "edit";
  const draft = () => (isEdit() ? edited : (drafts[chosen ?? ""] ?? ""));

  function setDraft(text: string): void {
    if (isEdit()) edited = text;
    else drafts[chosen ?? ""] = text;
    changed();
  }

  function begin(next: Task | undefined): void {
    task = next;
    edited = next?.line.text ?? "";
    changed();
  }

  /** What may be joined changes by the hour, not by the second: it is asked for when one connects and when one looks. */
  async function learn(): Promise<void> {
    try {
      offered = await api.list();
      client.learn(offered.filter((one) => one.joined));
    } catch {
      // The list stays as it was; the next look asks again.
    }
    changed();
  }

  function show(next: Id | null): void {
    if (chosen && chosen !== next) client.leave(chosen);
    begin(undefined);
    chosen = next;
    listing = false;
    if (next) client.learn(offered.filter((one) => one.id === next));
    if (next) client.join(next);
    changed();
  }

  async function leave(): Promise<void> {
    if (!chosen) return;
    const left = chosen;
    show(null);
    await api.leave(left).catch(() => undefined);
    await learn();
  }

  host.listen((message) => {
    if (message.t === "page") client.page(message.page);
    if (message.t === "room") show(message.room);
    if (message.t === "shown") {
      shown = message.on;
      update();
    }
  });
  client.subscribe(update);
  client.on("welcome", () => void learn());
  client.page(host.hello.page);
  client.start();
  if (host.hello.room) show(host.hello.room);

  return {
    client,
    api,
    who,
    invitation: host.hello.page.url.split(INVITED)[1],
    room,
    offered: () => offered,
    isListing: () => listing,
    list() {
      listing = true;
      changed();
      void learn();
    },
    show,
    leave: () => void leave(),
    pending: () => pendingOf(client.state(), room()?.id ?? NEW_ROOM),
    isShown: () => shown,
    draft,
    drafts,
    task: () => task,
    begin,
    write(text) {
      const current = room();
      setDraft(text);
      if (current && !isEdit()) client.typing(current.id, text.trim() !== "");
    },
    send() {
      const [current, text, doing] = [room(), draft(), task];
      setDraft("");
      begin(undefined);
      if (!current) client.open(text);
      else if (doing?.what === "edit") client.edit(current.id, doing.line.id, text);
      else client.send(current.id, text, doing ? { replyTo: doing.line.id } : {});
    },
    edit(cid) {
      const text = client.discard(cid);
      if (text) setDraft(draft() ? `${text}\n${draft()}` : text);
    },
    close: () => host.tell({ t: "close" }),
    subscribe: (fn) => events.on("change", fn),
  };
}
