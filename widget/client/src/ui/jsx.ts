/** What the build writes for each element; no source file imports this. */
export { createElement, Fragment } from "preact";
