/** From a browser to a visitor's token. */

import type { Page } from "../core/protocol.ts";
import { Refused, type Session } from "../core/socket.ts";
import type { Host } from "./host.ts";

export interface Asked {
  readonly parent: string;
  readonly locale: string;
  readonly page: Page;
  readonly handle?: string | undefined;
  /** False: a first answer showed that no cookie stays with us. */
  readonly cookies?: boolean;
}

interface Answer {
  readonly token: string;
  readonly expires_in: number;
  readonly socket: string;
  readonly handle?: string;
}

/** Close codes stand for what trying again would not mend. */
const FINAL: Readonly<Record<number, number>> = { 400: 4400, 401: 4401, 403: 4403, 404: 4404, 410: 4410 };

/** Asks once. Throws `Refused` where the answer is final, any other error where it may pass. */
export async function askSession(address: string, asked: Asked): Promise<Session & Pick<Answer, "handle">> {
  const response = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(asked),
  });
  if (!response.ok) throw new Refused(await codeOf(response));
  const { token, expires_in, socket, handle } = (await response.json()) as Answer;
  return { token, expiresIn: expires_in, url: socket, ...(handle && { handle }) };
}

export interface Sessions {
  /** A new session. */
  ask(): Promise<Session>;
  /** The token of the newest session; empty before the first. */
  token(): string;
}

/** How long the page around us may take to say which handle it keeps. */
const RECALL_LIMIT = 1_000;

/**
 * Asks as often as it is called. The handle goes with every exchange: where no cookie stays it is all that says who is here. It is
 * turned by each exchange of each tab, so what the page keeps is asked for anew; our own is for pages that may keep nothing.
 */
export function createSessions(address: string, host: Host, locale: string): Sessions {
  let own: string | undefined;
  let token = "";
  const ask = async () => {
    const handle = (await keptHandle(host)) ?? own;
    const found = await askSession(address, { parent: host.origin, locale, page: host.hello.page, handle });
    if (found.handle) {
      own = found.handle;
      host.tell({ t: "handle", handle: own });
    }
    token = found.token;
    return found;
  };
  return { ask, token: () => token };
}

function keptHandle(host: Host): Promise<string | undefined> {
  return new Promise((found) => {
    const give = (handle?: string) => {
      clearTimeout(timer);
      unlisten();
      found(handle);
    };
    const timer = setTimeout(give, RECALL_LIMIT);
    const unlisten = host.listen((message) => message.t === "handle" && give(message.handle));
    host.tell({ t: "recall" });
  });
}

/** 403 means this page, or a site that is not served at the moment: the refused field tells which. */
async function codeOf(response: Response): Promise<number> {
  const code = FINAL[response.status];
  if (code === undefined) throw new Error(`session: ${response.status}`);
  if (code !== 4403) return code;
  const said = (await response.json().catch(() => ({}))) as { error?: { field?: string } };
  return said.error?.field === undefined ? 4410 : code;
}
