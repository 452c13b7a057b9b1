/** Web addresses in a text. Pure: pieces for text nodes and links, never HTML. */

/** Plain words, or an address to make a link of. */
export interface Piece {
  readonly text: string;
  readonly href?: string;
}

const ADDRESS = /\bhttps?:\/\/[^\s<>"']+/giu;

/** Cuts a text at its web addresses. Only http and https, and without the punctuation that ends a sentence. */
export function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const found of text.matchAll(ADDRESS)) {
    const href = withoutTail(found[0]);
    if (found.index > from) pieces.push({ text: text.slice(from, found.index) });
    pieces.push(URL.canParse(href) ? { text: href, href } : { text: href });
    from = found.index + href.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}

function withoutTail(address: string): string {
  const trimmed = address.replace(/[.,;:!?…]+$/u, "");
  const unopened = trimmed.endsWith(")") && !trimmed.includes("(");
  return unopened ? withoutTail(trimmed.slice(0, -1)) : trimmed;
}
