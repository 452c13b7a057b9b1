/**
 * Preact as the page has it already: a file that is fetched later uses this one, since two of them could not draw one tree. The
 * build puts this in the place of `preact` in such files; no source file imports it.
 */

import type { Lent } from "./lend.ts";

const here = globalThis as unknown as { readonly porchlight: Lent };

export const {
  createElement,
  createElement: h,
  Fragment,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} = here.porchlight;
