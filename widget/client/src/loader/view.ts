/** What the loader paints into its shadow root. Only DOM calls that pass every Content-Security-Policy and Trusted Types. */

import styles from "./launcher.css";

/** `paint` replaces what depends on the site; nothing is dressed before its first call. In a row, since names cost bytes. */
export type View = readonly [
  host: HTMLElement,
  launcher: HTMLButtonElement,
  badge: HTMLElement,
  panel: HTMLElement,
  paint: (css: string) => void,
];

/** `open`: whether the page may look inside, for tests. */
export function createView(open: boolean): View {
  const host = document.createElement("porch-light");
  const root = host.attachShadow({ mode: open ? "open" : "closed" });
  const sheet = new CSSStyleSheet();
  root.adoptedStyleSheets = [sheet];

  const launcher = element("button", { className: "launcher" });
  const badge = element("span", { className: "badge" });
  launcher.append(element("i"), badge);
  const panel = element("div", { className: "panel" });
  root.append(panel, launcher);
  return [host, launcher, badge, panel, (css) => sheet.replaceSync(styles + css)];
}

export const element = <K extends keyof Tags>(tag: K, properties?: Partial<Tags[K]>): Tags[K] =>
  Object.assign(document.createElement(tag), properties);

type Tags = HTMLElementTagNameMap;
