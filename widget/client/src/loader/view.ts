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

/** The brand's mark in one colour: bubble, lantern cut out of it, flame. Whole numbers, since it is shown at half size. */
const MARK =
  "M32 5a28 25 0 0 0-22 41q1 7-4 12 10 0 17-6A28 25 0 1 0 32 5Z" +
  "M30 14h4v3q8 1 9 9H21q1-8 9-9ZM22 29h20l-3 15H25ZM32 31q8 10 0 11-8-1 0-11Z";
const DOWN = "m18 26 14 14 14-14";

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
  launcher.append(drawing(), badge);
  const panel = element("div", { className: "panel" });
  root.append(panel, launcher);
  return { host, launcher, badge, panel, paint: (css) => look.replaceSync(css) };
}

export const element = <K extends keyof Tags>(tag: K, properties: Partial<Tags[K]>): Tags[K] =>
  Object.assign(document.createElement(tag), properties);

type Tags = HTMLElementTagNameMap;

function drawing(): Element {
  const svg = shape("svg", "viewBox", "0 0 64 64");
  svg.append(shape("path", "d", MARK), shape("path", "d", DOWN));
  return svg;
}

function shape(tag: string, attribute: string, value: string): Element {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  made.setAttribute(attribute, value);
  return made;
}
