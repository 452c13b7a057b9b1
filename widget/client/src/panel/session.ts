/** From a browser to a visitor's token. */

import { boundedPage } from "../core/outgoing.ts";
import type { Id, Page } from "../core/protocol.ts";
import { Refused, type Session } from "../core/socket.ts";
import type { ToPanel } from "../port.ts";
import type { Host } from "./host.ts";

export interface Asked {
  readonly parent: string;
  readonly handle?: string | undefined;
  /** A JWT by which the site's backend names its user. */
  readonly identity?: string | undefined;
  /** The site says that nobody is signed in: the handle of a user of theirs counts no more. */
  readonly signed_out?: true | undefined;
  readonly locale?: string;
  readonly page?: Page;
}

interface Answer {
  readonly token: string;
  readonly expires_in: number;
  readonly socket: string;
  readonly handle?: string;
  readonly visitor: Visitor;
}

export interface Visitor {
  readonly id: Id;
  /** Whether the site has said who this is. */
  readonly identified: boolean;
}

/** How long the page around us may take to say which handle it keeps, and to name its user; without the handle one is a stranger. */
const RECALL_LIMIT = 5_000;
const IDENTITY_LIMIT = 8_000;
const ANSWER_LIMIT = 10_000;

/** Asks once, and again without what is only good to know if it was not understood. Throws `Refused` where the answer is final. */
async function askSession(address: string, asked: Asked): Promise<Answer> {
  const response = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(asked),
    signal: AbortSignal.timeout(ANSWER_LIMIT),
  });
  if (response.ok) return response.json();
  const { page, locale, ...bare } = asked;
  if (response.status === 400 && page) return askSession(address, bare);
  const { codeOf } = await import("./refusal.ts");
  throw new Refused(await codeOf(response, !!asked.identity));
}

export interface Sessions {
  /** A new session; whoever asks while one is on its way gets that. */
  ask(): Promise<Session>;
  /** The token of the newest session; empty before the first. */
  token(): string;
  /** Whose the newest session is. */
  visitor(): Visitor | undefined;
  /** The exchange that is on its way. */
  running(): Promise<Session> | undefined;
  /** Who the page says is here. Fails where it cannot say. */
  introduced(): Promise<Partial<Introduction>>;
}

/**
 * The handle goes with every exchange: where no cookie stays it is all that says who is here. It is turned by each exchange of each
 * tab, so what the page keeps is asked for anew; our own is for pages that may keep nothing. An identity is good once, and never kept.
 * `onOther` is called when somebody else is here than before.
 */
export function createSessions(address: string, host: Host, locale: string, onOther: () => void): Sessions {
  const { page, identity: isNamed } = host.hello;
  let own: string | undefined;
  let token = "";
  let visitor: Visitor | undefined;
  let asking: Promise<Session> | undefined;

  async function exchange(): Promise<Session> {
    const { handle = own, identity } = await introduced(host);
    const found = await askSession(address, {
      parent: host.origin,
      handle,
      identity: (isNamed && identity) || undefined,
      signed_out: (isNamed !== undefined && !identity) || undefined,
      locale,
      page: boundedPage(page),
    });
    if (visitor && found.visitor.id !== visitor.id) onOther();
    visitor = found.visitor;
    if (found.handle) {
      own = found.handle;
      host.tell({ t: "handle", handle: own });
    }
    token = found.token;
    return { token, expiresIn: found.expires_in, url: found.socket };
  }

  return {
    ask() {
      asking ??= exchange().finally(() => {
        asking = undefined;
      });
      return asking;
    },
    token: () => token,
    visitor: () => visitor,
    running: () => asking,
    introduced: () => introduced(host),
  };
}

type Introduction = Extract<ToPanel, { readonly t: "handle" }>;

/** Who the page says is here. One that promised to name its user, and does not, is asked again later: nobody else is let in meanwhile. */
function introduced(host: Host): Promise<Partial<Introduction>> {
  const isNamed = host.hello.identity;
  return new Promise((found) => {
    const end = (said: Partial<Introduction> | Promise<never>) => {
      clearTimeout(timer);
      unlisten();
      found(said);
    };
    const late = () => end(isNamed ? Promise.reject(new Error("identity")) : {});
    const timer = setTimeout(late, isNamed ? IDENTITY_LIMIT : RECALL_LIMIT);
    const unlisten = host.listen((message) => message.t === "handle" && end(message));
    host.tell({ t: "recall" });
  });
}
