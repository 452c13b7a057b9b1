/** Enter chooses a word in an input method. Safari ends the composition first and leaves only the key code to tell. */
export const isComposing = (event: KeyboardEvent): boolean => event.isComposing || event.keyCode === 229;
