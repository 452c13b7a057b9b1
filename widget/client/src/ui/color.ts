/** A site's own colour, and what can be read on it. Pure. */

/** Relative luminance, 0-1, of `#rrggbb`, with the gamma of 2.2 for sRGB's curve. */
const luminance = (hex: string): number =>
  [0.2126, 0.7152, 0.0722].reduce((sum, weight, at) => sum + weight * channel(hex, at) ** 2.2, 0);

const channel = (hex: string, at: number): number => Number(`0x${hex.substr(1 + 2 * at, 2)}`) / 255;

/** The colour when it is a `#rrggbb`; nothing else is let into a style sheet. */
export const hexOf = (color: string | undefined): string | undefined =>
  color && /^#[\da-f]{6}$/i.test(color) ? color : undefined;

/** Ink or white, whichever has the better contrast: the two are equal at a luminance of 0.2086. */
export const onColor = (hex: string): string => (luminance(hex) > 0.2086 ? "#1b1e27" : "#fff");
