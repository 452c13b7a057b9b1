/** What the loader paints into its shadow root. Only DOM calls that pass every Content-Security-Policy and Trusted Types. */

import styles from "./launcher.css";

export interface View {
  readonly host: HTMLElement;
  readonly launcher: HTMLButtonElement;
  readonly badge: HTMLElement;
  readonly panel: HTMLElement;
  /** Replaces what depends on the site. */
  paint(css: string): void;
}

/** `open`: whether the page may look inside, for tests. */
export function createView(open: boolean): View {
  const host = document.createElement("porch-light");
  const root = host.attachShadow({ mode: open ? "open" : "closed" });
  const look = new CSSStyleSheet();
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  root.adoptedStyleSheets = [sheet, look];

  const launcher = element("button", { className: "launcher" });
  const badge = element("span", { className: "badge" });
  launcher.append(element("i", {}), badge);
  const panel = element("div", { className: "panel" });
  root.append(panel, launcher);
  return { host, launcher, badge, panel, paint: (css) => look.replaceSync(css) };
}

export const element = <K extends keyof Tags>(tag: K, properties: Partial<Tags[K]>): Tags[K] =>
  Object.assign(document.createElement(tag), properties);

type Tags = HTMLElementTagNameMap;
