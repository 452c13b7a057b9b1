/**
 * What carries frames, and what the browser says about the world around it. Both are handed to the socket, so that tests
 * put a server of their own here, and a transport without WebSockets fits in the same place.
 */

import { type ClientFrames, SUBPROTOCOL } from "./protocol.ts";

export interface Handlers {
  open(): void;
  text(data: string): void;
  /** Called once, also when it never opened. */
  close(code: number): void;
}

export interface Transport {
  send(text: string): void;
  close(): void;
}

/** `hello` gives what a first frame would say now: for a transport that keeps no line and has to say it again. */
export type Connect = (url: string, handlers: Handlers, hello: () => ClientFrames["hello"]) => Transport;

/** `wake`: worth a try; `key`: the same, but cheap and frequent; `probe`: the line may have died; `hide`: the page sleeps. */
export type Signal = "wake" | "key" | "visible" | "probe" | "hide";

export interface Surroundings {
  visible(): boolean;
  /** Calls `fn` at each signal; the answer ends it. */
  watch(fn: (signal: Signal) => void): () => void;
}

/** `url` may be relative to the page; http becomes ws. */
export const connectWebSocket: Connect = (url, handlers) => {
  const address = new URL(url, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address, SUBPROTOCOL);
  socket.onopen = () => handlers.open();
  socket.onmessage = (event) => handlers.text(String(event.data));
  socket.onclose = (event) => handlers.close(event.code);
  return { send: (text) => socket.send(text), close: () => socket.close() };
};

export const browserSurroundings: Surroundings = {
  visible: () => !document.hidden,
  watch(fn) {
    const ended = new AbortController();
    const tell = (target: EventTarget, name: string, signal: () => Signal | undefined) =>
      target.addEventListener(name, () => call(fn, signal()), { signal: ended.signal });
    tell(window, "online", () => "wake");
    tell(window, "pageshow", () => "wake");
    tell(window, "pagehide", () => "hide");
    tell(window, "offline", () => "probe");
    tell(document, "keydown", () => "key");
    tell(document, "visibilitychange", () => (document.hidden ? undefined : "visible"));
    return () => ended.abort();
  },
};

const call = (fn: (signal: Signal) => void, signal: Signal | undefined) => {
  if (signal) fn(signal);
};
