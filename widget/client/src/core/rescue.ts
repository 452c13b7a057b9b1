/**
 * When sockets have failed: HTTP, and now and then a look whether a socket opens by now. A file of its own in the build, with
 * `polling.ts`; the two import nothing else but types, so that no code is split off the rest for them.
 */

import type { Clock } from "./clock.ts";
import type { MakeRescue } from "./fallback.ts";
import { connectByHttp } from "./polling.ts";
import type { ClientFrames } from "./protocol.ts";
import type { Connect, Handlers, Surroundings } from "./transport.ts";

/** While HTTP serves, a socket is tried after these times; the last is repeated. Milliseconds, as those below. */
const TRIALS = [60_000, 300_000, 900_000];
/** HTTP failed as well before: the server was away, which says nothing about sockets. */
const SOON = 10_000;
const TRIAL_LIMIT = 10_000;
const RESTART = 1012;

/** HTTP first, then whatever works: what failed without a word gives way to the other. */
export const createRescue: MakeRescue = (direct, clock, surroundings) => {
  let polls = true;
  let tried = 0;
  let wasAway = false;

  const delay = (): number => {
    const ms = wasAway && tried === 0 ? SOON : (TRIALS[Math.min(tried, TRIALS.length - 1)] ?? SOON);
    return ms * (0.9 + clock.random() / 5);
  };

  const byHttp: Connect = (url, handlers, hello) => {
    const trials = createTrials(clock, surroundings, delay, tryOnce);
    const line = connectByHttp(
      clock,
      url,
      {
        open: handlers.open,
        text(data) {
          trials.start();
          handlers.text(data);
        },
        close(code) {
          polls = trials.stop() || code >= 4000;
          wasAway ||= !polls;
          handlers.close(code);
        },
      },
      hello,
    );

    /** Whether a socket opens; then everything moves to one at once. */
    function tryOnce(): () => void {
      tried += 1;
      return trySocket(clock, direct, url, hello, () => {
        polls = false;
        tried = 0;
        trials.stop();
        line.close();
        handlers.text(`{"t":"bye","code":${RESTART},"after":0}`);
        handlers.close(RESTART);
      });
    }

    return {
      send: line.send,
      close() {
        trials.stop();
        line.close();
      },
    };
  };

  const bySocket: Connect = (url, handlers, hello) => {
    let heard = false;
    const text = (data: string) => {
      heard = true;
      handlers.text(data);
    };
    const close = (code: number) => {
      polls = !heard && code < 4000;
      handlers.close(code);
    };
    return direct(url, { ...handlers, text, close }, hello);
  };

  return (...line) => (polls ? byHttp : bySocket)(...line);
};

interface Trials {
  /** From the first call on. */
  start(): void;
  /** Answers whether they had begun. */
  stop(): boolean;
}

/** Runs `attempt` now and then, and at once when the line may have changed; it answers how to end it. */
function createTrials(
  clock: Clock,
  surroundings: Surroundings,
  delay: () => number,
  attempt: () => () => void,
): Trials {
  let begun = false;
  let cancel = () => {};
  let endAttempt = () => {};
  let unwatch = () => {};

  function run(): void {
    cancel();
    endAttempt();
    endAttempt = attempt();
    cancel = clock.after(delay(), run);
  }

  return {
    start() {
      if (begun) return;
      begun = true;
      cancel = clock.after(delay(), run);
      unwatch = surroundings.watch((signal) => signal === "wake" && run());
    },
    stop() {
      cancel();
      endAttempt();
      unwatch();
      return begun;
    },
  };
}

/** Calls `opened` if a socket opens, and lets that one go; the answer ends the try. */
function trySocket(clock: Clock, direct: Connect, url: string, hello: () => ClientFrames["hello"], opened: () => void) {
  let cancel = () => {};
  const end = () => {
    cancel();
    socket.close();
  };
  const handlers: Handlers = {
    open() {
      end();
      opened();
    },
    text() {},
    close: () => cancel(),
  };
  const socket = direct(url, handlers, hello);
  cancel = clock.after(TRIAL_LIMIT, end);
  return end;
}
