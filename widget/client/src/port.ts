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
  readonly locale?: string;
  /** `light`, `dark`, or what the visitor prefers. */
  readonly theme?: string;
  /** The community room in which the panel opens. */
  readonly room?: string;
  /** True: the page names its visitor when it is asked. Null: nobody is signed in there. Absent: it says nothing of that. */
  readonly identity?: true | null | undefined;
}

export type ToPanel =
  | { readonly t: "shown"; readonly on: boolean }
  | { readonly t: "page"; readonly page: Page }
  /** From now on the page names its visitor when it is asked (true), or nobody is signed in there (null). Said again with each call. */
  | { readonly t: "who"; readonly identity: true | null }
  /** Show this community room. */
  | { readonly t: "room"; readonly room: string }
  /** The answer to `recall`. `identity` is a JWT for one exchange, null where nobody is signed in, absent where nobody can say now. */
  | { readonly t: "handle"; readonly handle: string | undefined; readonly identity?: string | null | undefined };

/** How launcher and panel look on this site. */
export interface Look {
  readonly color?: string;
  readonly position?: string;
  /** `light` or `dark`; absent: as the visitor's system is. */
  readonly theme?: string;
  /** A path on 64 by 64, drawn by the rule `evenodd`; absent: the lantern. */
  readonly icon?: string;
  /** Words beside the icon. */
  readonly label?: string;
  /** `hidden`: the page opens the chat by itself. */
  readonly launcher?: string;
  /** Address of a picture for the panel's head. */
  readonly logo?: string;
}

export type ToLoader =
  | { readonly t: "ready"; readonly look: Look }
  | { readonly t: "close" }
  /** 0 while the panel is shown. */
  | { readonly t: "unread"; readonly count: number }
  /** Keep the handle: this browser keeps no cookie for the frame. */
  | { readonly t: "handle"; readonly handle: string }
  /** Who is here? Another tab may have turned the handle since, and an identity is good once. */
  | { readonly t: "recall" };
