/** Between client, page and view: which room is shown, whether anybody looks, and what the launcher is told. */

import type { Client } from "../core/client-api.ts";
import { createEmitter } from "../core/emitter.ts";
import type { Id } from "../core/protocol.ts";
import { NEW_ROOM, type Pending, pendingOf, type Room, roomsByRecency } from "../core/state.ts";
import type { Host } from "./host.ts";

export interface Model {
  readonly client: Client;
  /** The visitor's newest room, once there is one. */
  room(): Room | undefined;
  /** What the visitor wrote and the room does not show yet. */
  pending(): readonly Pending[];
  /** Whether the panel is on screen. */
  isShown(): boolean;
  /** What is in the composer. */
  draft(): string;
  write(text: string): void;
  send(): void;
  /** Takes a message back into the composer. */
  edit(cid: Id): void;
  close(): void;
  subscribe(fn: () => void): () => void;
}

export function createModel(client: Client, host: Host): Model {
  const events = createEmitter<{ change: undefined }>();
  let shown = host.hello.shown;
  let draft = "";
  let told = 0;

  const changed = () => events.emit("change", undefined);
  const room = () => roomsByRecency(client.state())[0];

  function update(): void {
    const current = room();
    if (current && !current.joined) client.join(current.id);
    const count = shown ? 0 : Object.values(client.state().rooms).reduce((sum, one) => sum + one.unread, 0);
    if (count !== told) host.tell({ t: "unread", count });
    told = count;
    changed();
  }

  function setDraft(text: string): void {
    draft = text;
    changed();
  }

  host.listen((message) => {
    if (message.t === "page") client.page(message.page);
    if (message.t === "shown") {
      shown = message.on;
      update();
    }
  });
  client.subscribe(update);
  client.page(host.hello.page);
  client.start();

  return {
    client,
    room,
    pending: () => pendingOf(client.state(), room()?.id ?? NEW_ROOM),
    isShown: () => shown,
    draft: () => draft,
    write(text) {
      const current = room();
      setDraft(text);
      if (current) client.typing(current.id, text.trim() !== "");
    },
    send() {
      const current = room();
      if (current) client.send(current.id, draft);
      else client.open(draft);
      setDraft("");
    },
    edit(cid) {
      const text = client.discard(cid);
      if (text) setDraft(draft ? `${text}\n${draft}` : text);
    },
    close: () => host.tell({ t: "close" }),
    subscribe: (fn) => events.on("change", fn),
  };
}
