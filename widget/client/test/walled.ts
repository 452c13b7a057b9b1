import assert from "node:assert/strict";
import { mock } from "node:test";
import { createClient } from "../src/core/client.ts";
import { withFallback } from "../src/core/fallback.ts";
import { createRescue } from "../src/core/rescue.ts";
import type { Room } from "../src/core/state.ts";
import type { Connect } from "../src/core/transport.ts";
import { fakeHttp } from "./fake-http.ts";
import { world } from "./world.ts";

/** A visitor behind a proxy that refuses sockets as long as `net.blocked`. */
export function walled(random?: () => number) {
  const { clock, server } = world(random);
  const http = fakeHttp(clock, server);
  const net = { blocked: true, tries: 0, tokens: 0, probes: 0, status: 200 };
  const probe = async () => {
    net.probes += 1;
    if (server.down) throw new TypeError("network");
    return new Response("", { status: net.status });
  };
  mock.method(globalThis, "fetch", (url: string | URL, init: RequestInit) =>
    String(url) === "http://shop.example/healthz/live" ? probe() : http.fetch(url, init),
  );
  const direct: Connect = (url, handlers, hello) => {
    net.tries += 1;
    if (!net.blocked) return server.connect(url, handlers, hello);
    const cancel = clock.after(5, () => handlers.close(1006));
    return { send() {}, close: cancel };
  };
  const client = createClient({
    getSession: async () => ({ token: `token-${++net.tokens}`, expiresIn: 900, url: "ws://shop.example/ws/w/key/" }),
    connect: withFallback(direct, clock, server.surroundings, async () => createRescue),
    surroundings: server.surroundings,
    clock,
  });
  return { clock, server, http, net, client, room: () => Object.values(client.state().rooms)[0] as Room };
}

/** The same, who has said hello by HTTP. */
export async function polling(random?: () => number) {
  const here = walled(random);
  here.client.start();
  await here.clock.pass(3_000);
  assert.equal(here.client.status().state, "online");
  here.client.open("hello");
  await here.clock.pass(500);
  return { ...here, id: here.room().id };
}
