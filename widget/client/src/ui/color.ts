/** A site's own colour, and what can be read on it. Pure. */

/** Relative luminance, 0-1, of `#rrggbb`, with the gamma of 2.2 for sRGB's curve. */
function luminance(hex: string): number {
  const all = Number(`0x${hex.slice(1)}`);
  const part = (shift: number) => (((all >> shift) & 255) / 255) ** 2.2;
  return 0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0);
}

/** The colour when it is a `#rrggbb`; nothing else is let into a style sheet. */
export const hexOf = (color: string | undefined): string | undefined =>
  color && /^#[\da-f]{6}$/i.test(color) ? color : undefined;

/** White or ink, and black where neither can be read well: the contrast is at least 4.5 on every colour. */
export function onColor(hex: string): string {
  const light = luminance(hex);
  return light > 0.24 ? "#1b1e27" : light > 0.18 ? "#000" : "#fff";
}
