/** The page around the panel, on the other end of the port. */

import { createEmitter } from "../core/emitter.ts";
import type { Hello, ToLoader, ToPanel } from "../port.ts";
import { isAllowed } from "./boot.ts";

export interface Host {
  /** Origin of the page that embeds us. */
  readonly origin: string;
  readonly hello: Hello;
  tell(message: ToLoader): void;
  /** From now on, every message is heard by every listener. The answer ends it. */
  listen(fn: (message: ToPanel) => void): () => void;
}

/** Waits for the one hello that brings a port, from the embedding page itself and from an origin that may embed us. */
export function meetHost(origins: readonly string[]): Promise<Host> {
  return new Promise((met) => {
    addEventListener("message", function hear(event: MessageEvent<Partial<Hello> | null>) {
      const [port] = event.ports;
      if (event.source !== parent || !port || event.data?.porchlight !== 1) return;
      if (!isAllowed(event.origin, origins)) return;
      removeEventListener("message", hear);
      const said = createEmitter<{ message: ToPanel }>();
      port.onmessage = ({ data }: MessageEvent<ToPanel>) => said.emit("message", data);
      met({
        origin: event.origin,
        hello: event.data as Hello,
        tell: (message) => port.postMessage(message),
        listen: (fn) => said.on("message", fn),
      });
    });
  });
}
