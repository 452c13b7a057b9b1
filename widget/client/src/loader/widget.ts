/**
 * The launcher and, from the first open on, the panel's frame. A polite guest: it assigns no handler of the page, patches
 * nothing, and `destroy` takes everything away but what `memory.ts` keeps.
 */

import type { Page } from "../core/protocol.ts";
import type { Hello, Look, ToLoader, ToPanel } from "../port.ts";
import { onColor } from "../ui/color.ts";
import { recall, remember } from "./memory.ts";
import { createView, element } from "./view.ts";

export interface Settings {
  readonly key: string;
  /** Origin of the script, which is the panel's. */
  readonly origin: string;
  /** What the script tag says: its `data-` attributes by name. A look of its own wins over what the site is set to. */
  readonly said: Look & { locale?: string; room?: string; test?: string };
  /** How many widgets the page has already. */
  readonly index: number;
}

/** `open`, `close`, `unread` (with the count as `detail`), `error` (with what went wrong in our code, or nothing: the panel did not come). */
type Listener = (event: CustomEvent) => void;

export interface Widget {
  /** Opens the panel, in this community room of the site if one is named. */
  open(room?: string): void;
  close(): void;
  toggle(): void;
  show(): void;
  hide(): void;
  destroy(): void;
  on(name: string, fn: Listener): void;
  off(name: string, fn: Listener): void;
  /** Kept when the launcher is on the page. */
  readonly ready: Promise<void>;
}

const ANSWER_LIMIT = 4_000;
const LOAD_LIMIT = 10_000;
const PAGE_CHECK = 1_000;
const FAILED = "The chat could not be loaded. Check your connection.";

/** The brand's mark in one colour: bubble, lantern cut out of it, flame. Whole numbers, since it is shown at half size. */
const MARK =
  "M32 5a28 25 0 0 0-22 41q1 7-4 12 10 0 17-6A28 25 0 1 0 32 5Z" +
  "M30 14h4v3q8 1 9 9H21q1-8 9-9ZM22 29h20l-3 15H25ZM32 31q8 10 0 11-8-1 0-11Z";

export function createWidget(settings: Settings): Widget {
  const { key, origin, said, index } = settings;
  const src = `${origin}/w/${key}/frame`;
  const { host, launcher, badge, panel, paint } = createView(said.test !== undefined);
  const events = new EventTarget();
  let frame: HTMLIFrameElement | undefined;
  let port: MessagePort | undefined;
  let isOpen = false;
  let unread = 0;
  let deadline: Timer;
  let watch: Timer;
  let toldPage = "";
  let known = recall(key).look ?? {};

  const emit = (name: string, detail?: unknown) => events.dispatchEvent(new CustomEvent(name, { detail }));

  /** Whatever breaks in here stays in here. */
  const safe =
    <A extends unknown[]>(fn: (...args: A) => unknown) =>
    (...args: A): void => {
      try {
        fn(...args);
      } catch (error) {
        emit("error", error);
      }
    };

  const listen = <E extends Event>(target: EventTarget, name: string, fn: (event: E) => unknown) =>
    target.addEventListener(name, safe(fn) as EventListener);

  const say = (message: ToPanel) => port?.postMessage(message);

  function dress(found: Look = known): void {
    known = found;
    const asked = { ...known, ...said };
    const { color, position = "inset-inline-end", theme = "light dark", icon = MARK } = asked;
    const colors = color ? `--lamp:${color};--on:${onColor(color)};` : "";
    const place = `${position}:${20 + 68 * index}px${asked.launcher ? ";display:none" : ""}`;
    paint(`:host{${colors}--theme:${theme};--icon:path(evenodd,"${icon}")}.panel{${position}:20px}.launcher{${place}}`);
    if (asked.label) launcher.title = asked.label;
    label();
  }

  function label(): void {
    const count = unread ? `${unread}` : "";
    launcher.ariaLabel = isOpen ? "Close chat" : `${known.label || "Open chat"}${count && `, ${count} unread`}`;
    launcher.ariaExpanded = `${isOpen}`;
    badge.textContent = count;
  }

  function turn(on: boolean): void {
    if (on === isOpen) return;
    isOpen = on;
    if (!frame) load();
    panel.classList.toggle("on", on);
    label();
    tellPage();
    say({ t: "shown", on });
    (on && frame ? frame : launcher).focus();
    emit(on ? "open" : "close");
  }

  function load(): void {
    frame = element("iframe", { title: "Chat", src });
    listen(frame, "load", greet);
    panel.replaceChildren(frame);
    expectWithin(LOAD_LIMIT);
  }

  function expectWithin(ms: number): void {
    clearTimeout(deadline);
    deadline = setTimeout(safe(fail), ms);
  }

  /** A frame that was refused or never came has nobody to answer; the visitor gets words instead of an empty box. */
  function fail(): void {
    const note = element("div", { className: "note", textContent: FAILED });
    const again = element("button", { textContent: "Try again" });
    const close = element("button", { textContent: "Close" });
    listen(again, "click", load);
    listen(close, "click", () => turn(false));
    note.append(again, close);
    panel.append(note);
    again.focus();
    emit("error");
  }

  function greet(): void {
    port?.close();
    const channel = new MessageChannel();
    port = channel.port1;
    port.onmessage = safe(heard);
    const hello: Hello = { ...said, porchlight: 1, page: page(), shown: isOpen, dir: host.dir };
    frame?.contentWindow?.postMessage(hello, origin, [channel.port2]);
    expectWithin(ANSWER_LIMIT);
  }

  function heard({ data }: MessageEvent<ToLoader>): void {
    if (data.t === "ready") settle(data.look);
    if (data.t === "close") turn(false);
    if (data.t === "handle") remember(key, { handle: data.handle });
    if (data.t === "recall") say({ t: "handle", handle: recall(key).handle });
    if (data.t === "unread") {
      unread = data.count;
      label();
      emit("unread", unread);
    }
  }

  function settle(found: Look): void {
    clearTimeout(deadline);
    panel.querySelector(".note")?.remove();
    remember(key, { look: found });
    dress(found);
    if (isOpen) frame?.focus();
  }

  function tellPage(): void {
    const now = page();
    if (toldPage !== now.url) say({ t: "page", page: now });
    toldPage = now.url;
  }

  function prefetch(): void {
    if (!frame) panel.replaceChildren(element("link", { rel: "prefetch", href: src }));
  }

  // A page whose policy forbids it, and a server that is away or slow, leave the launcher as it is.
  const told = fetch(`${origin}/w/${key}/config`, { signal: AbortSignal.timeout(ANSWER_LIMIT) })
    .then((answer) => answer.json())
    .then(({ look }) => dress(look))
    .catch(() => 0);

  /** A script in the head runs before there is a body. And a look that nobody knows yet is waited for: nothing changes its colour. */
  async function begin(): Promise<void> {
    if (!document.body) await new Promise((parsed) => addEventListener("DOMContentLoaded", parsed));
    if (!known.color) await told;
  }

  const ready = begin().then(
    safe(() => {
      host.dir = getComputedStyle(document.body).direction;
      dress();
      listen(launcher, "click", () => turn(!isOpen));
      listen(launcher, "pointerenter", prefetch);
      listen(launcher, "focus", prefetch);
      listen<KeyboardEvent>(host, "keydown", ({ key }) => key === "Escape" && turn(false));
      // Pages change without loading: asked once a second, and only while someone may be chatting.
      watch = setInterval(
        safe(() => port && !document.hidden && tellPage()),
        PAGE_CHECK,
      );
      document.documentElement.append(host);
      if (/porchlight=/.test(location.hash)) turn(true);
    }),
  );

  return {
    ready,
    open: safe((room?: string) => {
      if (room) {
        said.room = room;
        say({ t: "room", room });
      }
      turn(true);
    }),
    close: safe(() => turn(false)),
    toggle: safe(() => turn(!isOpen)),
    show: safe(() => {
      host.hidden = false;
    }),
    hide: safe(() => {
      turn(false);
      host.hidden = true;
    }),
    destroy: safe(() => {
      clearInterval(watch);
      clearTimeout(deadline);
      port?.close();
      host.remove();
    }),
    on: (name, fn) => events.addEventListener(name, fn as EventListener),
    off: (name, fn) => events.removeEventListener(name, fn as EventListener),
  };
}

type Timer = ReturnType<typeof setTimeout> | undefined;

const page = (): Page => ({ url: location.href, title: document.title, referrer: document.referrer });
