/**
 * The one script of a host page: `<script async src=".../porchlight.js" data-key="KEY"></script>`. Optional attributes:
 * `data-color` (#rrggbb), `data-position` (left, right), `data-theme` (light, dark), `data-locale`, `data-room` (the community room
 * in which the panel opens), `data-identity` (the name of a global function that gives a JWT for who is signed in, see
 * `docs/embed.md`), and `data-test`, which lets the page's own tests look inside. It makes `window.Porchlight` and no other global.
 */

import { createWidget, type Widget } from "./widget.ts";

declare const VERSION: string;

interface Porchlight extends Widget {
  readonly version: string;
  /** Every widget of the page by its key; the global is the first of them. */
  readonly widgets: Record<string, Porchlight>;
  /** Its place in the corner. */
  readonly index: number;
}

declare global {
  interface Window {
    Porchlight?: Porchlight;
  }
}

try {
  const script = document.currentScript as HTMLScriptElement;
  const { key } = script.dataset;
  const widgets = window.Porchlight?.widgets ?? {};
  if (key && !widgets[key]) {
    let index = 0;
    while (Object.values(widgets).some((other) => other.index === index)) index++;
    const widget = createWidget(script, index);
    widgets[key] = {
      ...widget,
      version: VERSION,
      widgets,
      index,
      destroy() {
        widget.destroy();
        delete widgets[key];
        delete window.Porchlight;
        for (const other of Object.values(widgets)) window.Porchlight ??= other;
      },
    };
    window.Porchlight ??= widgets[key];
  }
} catch {
  // A page without a chat is better than a page with an error.
}
