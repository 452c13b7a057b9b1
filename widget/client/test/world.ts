import { createClient } from "../src/core/client.ts";
import type { Id } from "../src/core/protocol.ts";
import type { Room } from "../src/core/state.ts";
import { type FakeClock, fakeClock } from "./fake-clock.ts";
import { type FakeServer, fakeServer } from "./fake-server.ts";

/** A visitor, a server in memory, and a clock that moves when told. */

export interface World {
  readonly clock: FakeClock;
  readonly server: FakeServer;
}

let ids = 0;

export function world(random?: () => number): World {
  const clock = fakeClock(random);
  return { clock, server: fakeServer(clock) };
}

export function visitor({ clock, server }: World = world()) {
  const client = createClient({
    getSession: async () => ({ token: "token", expiresIn: 900, url: "/ws/w/key/" }),
    connect: server.connect,
    surroundings: server.surroundings,
    clock,
    newId: () => `00000000-0000-4000-a000-${String(++ids).padStart(12, "0")}`,
  });
  return { clock, server, client, room: () => Object.values(client.state().rooms)[0] as Room };
}

export type Visitor = ReturnType<typeof visitor>;

/** A visitor who said hello. */
export async function inRoom(random?: () => number): Promise<Visitor & { readonly id: Id }> {
  const here = visitor(world(random));
  here.client.start();
  here.client.open("hello");
  await here.clock.pass(100);
  return { ...here, id: here.room().id };
}

export const texts = (room: Room | undefined) => room?.messages.map((message) => message.text);
