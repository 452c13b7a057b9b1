/** The brand as CSS custom properties, for a constructable sheet. The build turns the import into minified text. */
export { default as tokens } from "./tokens.css";
