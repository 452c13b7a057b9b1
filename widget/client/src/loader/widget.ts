/**
 * The launcher and, from the first open on, the panel's frame. A polite guest: it assigns no handler of the page, patches
 * nothing, and `destroy` takes everything away but what `memory.ts` keeps.
 */

import type { Page } from "../core/protocol.ts";
import type { Hello, Look, ToLoader, ToPanel } from "../port.ts";
import { onColor } from "../ui/color.ts";
import { recall, remember } from "./memory.ts";
import { createView, element } from "./view.ts";

/** What the script tag says: its `data-` attributes by name. A look of its own wins over what the site is set to. */
type Said = Omit<Look, "launcher"> & {
  launcher?: string;
  key: string;
  locale?: string;
  room?: string;
  identity?: string;
  test?: string;
};

/** `open`, `close`, `unread` (with the count as `detail`), `error` (with what went wrong in our code, or nothing: the panel did not come). */
type Listener = (event: CustomEvent) => void;

/** A fresh JWT of the page's own backend, or nothing where nobody is signed in. Fails where that cannot be said now. */
export type Identify = () => Promise<string | null | undefined> | string | null | undefined;

export interface Widget {
  /** Opens the panel, in this community room of the site if one is named. */
  open(room?: string): void;
  close(): void;
  toggle(): void;
  show(): void;
  hide(): void;
  /** The page says who its visitor is: asked anew whenever the panel needs to know. Null: nobody is signed in (any more). */
  identify(fn: Identify | null): void;
  destroy(): void;
  on(name: string, fn: Listener): void;
  off(name: string, fn: Listener): void;
  /** Kept when the launcher is on the page. */
  readonly ready: Promise<void>;
}

const ANSWER_LIMIT = 4_000;
const LOAD_LIMIT = 10_000;
const PAGE_CHECK = 1_000;
const FAILED = "The chat could not be loaded.";

/** The brand's mark in one colour: bubble, lantern cut out of it, flame. Whole numbers, since it is shown at half size. */
const MARK =
  "M32 5a28 25 0 0 0-22 41q1 7-4 12 10 0 17-6A28 25 0 1 0 32 5Z" +
  "M30 14h4v3q8 1 9 9H21q1-8 9-9ZM22 29h20l-3 15H25ZM32 31q8 10 0 11-8-1 0-11Z";

/** `script` names the site by `data-key`, and its origin is the panel's; `index` is the place in the corner: 0 lies lowest. */
export function createWidget(script: HTMLScriptElement, index: number): Widget {
  const said = { ...script.dataset } as unknown as Said;
  const { origin } = new URL(script.src);
  const { key, identity: name } = said;
  const site = `${origin}/w/${key}/`;
  const [host, launcher, badge, panel, paint] = createView("test" in said);
  const events = new EventTarget();
  let frame: HTMLIFrameElement | undefined;
  let port: MessagePort | undefined;
  let isOpen = false;
  let unread = 0;
  let deadline: Timer;
  let watch: Timer;
  let toldPage: string | undefined;
  let known = recall(key).look ?? {};
  let isGone = false;
  /** Undefined: the page says nothing of who is there. */
  let who: Identify | null | undefined = name
    ? () => ((window as unknown as Record<string, Identify>)[name] as Identify)()
    : undefined;

  const emit = (name: string, detail?: unknown) => events.dispatchEvent(new CustomEvent(name, { detail }));

  /** Whatever breaks in here stays in here, and after the end nothing begins. */
  const safe =
    <A extends unknown[]>(fn: (...args: A) => unknown) =>
    async (...args: A): Promise<void> => {
      try {
        if (!isGone) await fn(...args);
      } catch (error) {
        emit("error", error);
      }
    };

  const listen = <E extends Event>(target: EventTarget, name: string, fn: (event: E) => unknown) =>
    target.addEventListener(name, safe(fn) as unknown as EventListener);

  const close = safe(() => turn(false));
  const toggle = safe(() => turn(!isOpen));

  const say = (message: ToPanel) => port?.postMessage(message);

  function dress(found: Look = known): void {
    known = found;
    const asked = { ...known, ...said };
    const { color, position = "inset-inline-end", theme = "light dark", icon = MARK } = asked;
    const colors = color ? `button{background:${color};color:${onColor(color)}}` : "";
    const place = `${position}:${20 + 68 * index}px${asked.launcher ? ";display:none" : ""}`;
    const shape = `i{clip-path:path(evenodd,"${icon}")}`;
    paint(`${colors}${shape}:host{color-scheme:${theme}!important}.panel{${position}:20px}.launcher{${place}}`);
    if (asked.label) launcher.title = asked.label;
    label();
  }

  function wear(launcher: string): void {
    said.launcher = launcher;
    dress();
  }

  function label(): void {
    const more = unread ? `, ${unread} unread` : "";
    launcher.ariaLabel = isOpen ? "Close chat" : (known.label || "Open chat") + more;
    launcher.ariaExpanded = isOpen as unknown as string; // the browser makes a string of it
    badge.textContent = (unread || "") as string;
  }

  function turn(on: boolean): void {
    if (on === isOpen) return;
    isOpen = on;
    if (!frame) load();
    panel.classList.toggle("on", on);
    label();
    say({ t: "shown", on });
    (on && frame ? frame : launcher).focus();
    emit(on ? "open" : "close");
  }

  function load(): void {
    frame = element("iframe", { title: "Chat", src: `${site}frame` });
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
    const leave = element("button", { textContent: "Close" });
    listen(again, "click", load);
    listen(leave, "click", close);
    note.append(again, leave);
    panel.append(note);
    again.focus();
    emit("error");
  }

  function greet(): void {
    port?.close();
    const channel = new MessageChannel();
    port = channel.port1;
    port.onmessage = safe(heard);
    const hello: Hello = { ...said, porchlight: 1, page: page(), shown: isOpen, dir: host.dir, identity: who && true };
    frame?.contentWindow?.postMessage(hello, origin, [channel.port2]);
    expectWithin(ANSWER_LIMIT);
  }

  /** Answers on the port of whoever asked: by then there may be another frame. Where the page fails, the panel asks again. */
  async function introduce(asker: MessagePort): Promise<void> {
    const identity = (await who?.()) || null;
    asker.postMessage({ t: "handle", handle: recall(key).handle, identity } satisfies ToPanel);
  }

  function heard({ data, target }: MessageEvent<ToLoader>): Promise<void> | undefined {
    if (data.t === "ready") settle(data.look);
    if (data.t === "close") turn(false);
    if (data.t === "handle") remember(key, { handle: data.handle });
    if (data.t === "unread") {
      unread = data.count;
      label();
      emit("unread", unread);
    }
    return data.t === "recall" ? introduce(target as MessagePort) : undefined;
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

  // A page whose policy forbids it, and a server that is away or slow, leave the launcher as it is. A key that is none hides it.
  const told = fetch(`${site}config`, { signal: AbortSignal.timeout(ANSWER_LIMIT) })
    .then((answer) => {
      if (answer.status === 404) wear("hidden");
      return answer.json();
    })
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
      listen(launcher, "click", toggle);
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
    close,
    toggle,
    show: safe(() => wear("")),
    hide: safe(() => {
      turn(false);
      wear("hidden");
    }),
    identify: safe((fn) => {
      who = fn;
      say({ t: "who", identity: fn && true });
    }),
    destroy: safe(() => {
      isGone = true;
      clearInterval(watch);
      port?.close();
      host.remove();
    }),
    on: (name, fn) => events.addEventListener(name, fn as EventListener),
    off: (name, fn) => events.removeEventListener(name, fn as EventListener),
  };
}

type Timer = ReturnType<typeof setTimeout> | undefined;

const page = ({ title, referrer } = document): Page => ({ url: location.href, title, referrer });
