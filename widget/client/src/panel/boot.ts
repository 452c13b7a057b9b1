/** What the server wrote into the page, and who may talk to it. Pure but for reading the document. */

import type { Look } from "../port.ts";
import type { Hours } from "./hours.ts";

export interface Boot {
  readonly key: string;
  readonly site: { readonly id: string; readonly name: string };
  readonly look: Look;
  /** Absent: it is open whenever somebody is here. */
  readonly hours?: Hours;
  /** An owner looks at what is not kept yet, as if somebody were here or nobody. */
  readonly preview?: "here" | "away";
  readonly texts: { readonly title: string; readonly greeting: string; readonly away: string };
  /** Origins that may embed the site; `*.` in front of a host stands for one or more labels. */
  readonly origins: readonly string[];
  /** Addresses of the session and of the socket. */
  readonly session: string;
  readonly socket: string;
}

export const readBoot = (): Boot => JSON.parse(document.getElementById("boot")?.textContent ?? "") as Boot;

/** `https://*.shop.example` takes `https://a.b.shop.example`, not `https://shop.example`, no other scheme and no other port. */
export function isAllowed(origin: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const [scheme, host] = pattern.split("://*.");
    if (host === undefined) return origin === pattern;
    return origin.startsWith(`${scheme}://`) && origin.endsWith(`.${host}`);
  });
}
