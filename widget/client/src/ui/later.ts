/** A component whose code is fetched when it is drawn for the first time: what the first message can do without costs it no byte. */

import { type ComponentChildren, type ComponentType, createElement, Fragment, type VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { lend } from "./lend.ts";

type Drawn<P> = VNode<P> | VNode<{ children?: ComponentChildren }>;

/** Draws its children alone until the code is there. A fetch that fails is tried again when it is next drawn. */
export function later<P extends object>(
  load: () => Promise<ComponentType<P>>,
): (props: P & { readonly children?: ComponentChildren }) => Drawn<P> {
  let found: ComponentType<P> | undefined;
  return function Later(props) {
    const [, draw] = useState(false);
    useEffect(() => {
      if (found) return;
      lend();
      load().then(
        (component) => {
          found = component;
          draw(true);
        },
        () => undefined,
      );
    }, []);
    return found ? createElement(found, props) : createElement(Fragment, null, props.children);
  };
}
