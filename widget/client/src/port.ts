/**
 * What loader and panel say to each other over their one MessagePort. The conversation itself never passes here: the
 * host page could read it.
 */

import type { Page } from "./core/protocol.ts";

/** The first message, by `postMessage` with the port and the panel's exact origin. */
export interface Hello {
  readonly porchlight: 1;
  readonly page: Page;
  /** Whether the panel is on screen. */
  readonly shown: boolean;
  /** `ltr` or `rtl`. */
  readonly dir: string;
  readonly locale: string | undefined;
  /** `light`, `dark`, or what the visitor prefers. */
  readonly theme: string;
}

export type ToPanel =
  | { readonly t: "shown"; readonly on: boolean }
  | { readonly t: "page"; readonly page: Page }
  /** The answer to `recall`. */
  | { readonly t: "handle"; readonly handle: string | undefined };

/** How the launcher looks on this site. */
export interface Look {
  readonly color?: string | undefined;
  readonly position?: string | undefined;
}

export type ToLoader =
  | { readonly t: "ready"; readonly look: Look }
  | { readonly t: "close" }
  /** 0 while the panel is shown. */
  | { readonly t: "unread"; readonly count: number }
  /** Keep the handle: this browser keeps no cookie for the frame. */
  | { readonly t: "handle"; readonly handle: string }
  /** Which handle is kept now? Another tab may have turned it since. */
  | { readonly t: "recall" };
