/** From a browser to a visitor's token. */

import type { Page } from "../core/protocol.ts";
import { Refused, type Session } from "../core/socket.ts";

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

/** 403 means this page, or a site that is not served at the moment: the refused field tells which. */
async function codeOf(response: Response): Promise<number> {
  const code = FINAL[response.status];
  if (code === undefined) throw new Error(`session: ${response.status}`);
  if (code !== 4403) return code;
  const said = (await response.json().catch(() => ({}))) as { error?: { field?: string } };
  return said.error?.field === undefined ? 4410 : code;
}
