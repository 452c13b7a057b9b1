/** Lends Preact to the files that the page fetches later. The frame is our own: nobody else's globals live here. */

import { createElement, Fragment } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

const lent = { createElement, Fragment, useEffect, useLayoutEffect, useMemo, useRef, useState };

export type Lent = typeof lent;

/** Before the first of them is fetched. */
export const lend = (): void => void Object.assign(globalThis, { porchlight: lent });
