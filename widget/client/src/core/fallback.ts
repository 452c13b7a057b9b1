/** A way round what refuses sockets: after some that never said a word, the same frames go by HTTP. */

import type { Clock } from "./clock.ts";
import type { Connect, Surroundings, Transport } from "./transport.ts";

/** Makes the `Connect` that takes over when sockets have failed. */
export type MakeRescue = (direct: Connect, clock: Clock, surroundings: Surroundings) => Connect;

const MOST_FAILURES = 3;
const LOST = 1006;

/** Its code is fetched when it is needed, which for nearly everybody is never. */
const loadRescue = async (): Promise<MakeRescue> => (await import("./rescue.ts")).createRescue;

/** Connects by `direct` until three in a row were closed before they said anything; then by what `load` brings. */
export function withFallback(
  direct: Connect,
  clock: Clock,
  surroundings: Surroundings,
  load: () => Promise<MakeRescue> = loadRescue,
): Connect {
  let failures = 0;
  let rescue: Connect | undefined;

  const watched: Connect = (url, handlers, hello) => {
    let heard = false;
    const text = (data: string) => {
      heard = true;
      failures = 0;
      handlers.text(data);
    };
    const close = (code: number) => {
      if (!heard && code < 4000) failures += 1;
      handlers.close(code);
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

  return (...line) => (rescue ?? (failures < MOST_FAILURES ? watched : rescued))(...line);
}
