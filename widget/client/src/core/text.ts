/** What may not travel is taken out before it is sent: three refused frames in a row end the connection. Pure. */

/** Control characters but line breaks and tabs, and halves of surrogate pairs. */
const REFUSED = /[^\P{Cc}\n\r\t]|\p{Cs}/gu;

export const cleanText = (text: string): string => text.replace(REFUSED, "").trim();

/** At most `longest` UTF-16 units, never half a character. */
export const bounded = (text: string, longest: number): string => text.slice(0, longest).replace(REFUSED, "");
