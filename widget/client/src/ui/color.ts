/** A site's own colour, and what can be read on it. Pure. */

const INK = "#1b1e27";
const WHITE = "#ffffff";

/** `#rrggbb` of a `#rgb` or `#rrggbb`, or nothing for anything else. */
export function hexOf(color: string | undefined): string | undefined {
  const found = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(color?.trim() ?? "")?.[1];
  if (!found) return undefined;
  return `#${found.length === 3 ? found.replace(/./g, "$&$&") : found}`.toLowerCase();
}

/** Relative luminance of `#rrggbb`, 0-1, as WCAG 2.2 defines it. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast of two `#rrggbb`, 1-21. */
export function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** White where it can be read (4.5), else whichever of white and ink is read better. */
export function onColor(hex: string): string {
  const white = contrast(hex, WHITE);
  return white >= 4.5 || white > contrast(hex, INK) ? WHITE : INK;
}
