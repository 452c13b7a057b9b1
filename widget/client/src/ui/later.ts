/** A component whose code is fetched when it is drawn for the first time: what the first message can do without costs it no byte. */

import { type ComponentChildren, type ComponentType, createElement, Fragment, type VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { lend } from "./lend.ts";

type Drawn<P> = VNode<P> | VNode<{ children?: ComponentChildren }>;

/** After a fetch that failed. Milliseconds. */
const AGAIN = 5_000;

/** Draws its children alone until the code is there. A fetch that fails is tried again as long as it is drawn. */
export function later<P extends object>(
  load: () => Promise<ComponentType<P>>,
): (props: P & { readonly children?: ComponentChildren }) => Drawn<P> {
  let found: ComponentType<P> | undefined;
  return function Later(props) {
    const [turn, draw] = useState(0);
    useEffect(() => {
      if (found) return;
      let timer: ReturnType<typeof setTimeout> | undefined;
      lend();
      load().then(
        (component) => {
          found = component;
          draw(turn + 1);
        },
        () => {
          timer = setTimeout(draw, AGAIN, turn + 1);
        },
      );
      return () => clearTimeout(timer);
    }, [turn]);
    return found ? createElement(found, props) : createElement(Fragment, null, props.children);
  };
}
