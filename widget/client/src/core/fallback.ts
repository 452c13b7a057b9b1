/** A way round what refuses sockets: after some that never said a word, though the server answers, the same frames go by HTTP. */

import type { Clock } from "./clock.ts";
import type { Connect, Surroundings, Transport } from "./transport.ts";

/** Makes the `Connect` that takes over when sockets have failed. */
export type MakeRescue = (direct: Connect, clock: Clock, surroundings: Surroundings) => Connect;

const MOST_FAILURES = 3;
const LOST = 1006;

/** Its code is fetched when it is needed, which for nearly everybody is never. */
const loadRescue = async (): Promise<MakeRescue> => (await import("./rescue.ts")).createRescue;

/** Where nobody answers at all, a refused socket says nothing about sockets. */
const answers = (url: string): Promise<boolean> => {
  const address = new URL("/healthz/live", new URL(url, globalThis.location?.href));
  address.protocol = address.protocol.replace("ws", "http");
  return fetch(address).then(
    ({ status }) => status < 500,
    () => false,
  );
};

/** Connects by `direct` until three in a row were closed before they said anything and HTTP works; then by what `load` brings. */
export function withFallback(
  direct: Connect,
  clock: Clock,
  surroundings: Surroundings,
  load: () => Promise<MakeRescue> = loadRescue,
): Connect {
  let failures = 0;
  let blocked = false;
  let rescue: Connect | undefined;

  const watched: Connect = (url, handlers, hello) => {
    let heard = false;
    const text = (data: string) => {
      heard = true;
      failures = 0;
      handlers.text(data);
    };
    const close = (code: number) => {
      const refused = !heard && code < 4000;
      if (refused) failures += 1;
      if (!refused || failures < MOST_FAILURES) return handlers.close(code);
      void answers(url).then((does) => {
        blocked = does;
        handlers.close(code);
      });
    };
    return direct(url, { ...handlers, text, close }, hello);
  };

  const rescued: Connect = (url, handlers, hello) => {
    let inner: Transport | undefined;
    let closed = false;
    load().then(
      (make) => {
        rescue ??= make(direct, clock, surroundings);
        if (!closed) inner = rescue(url, handlers, hello);
      },
      () => handlers.close(LOST),
    );
    return {
      send: (text) => inner?.send(text),
      close() {
        closed = true;
        inner?.close();
      },
    };
  };

  return (...line) => (rescue ?? (blocked ? rescued : watched))(...line);
}
