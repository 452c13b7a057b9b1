/** Style sheets without a `<style>`, so that no Content-Security-Policy has to allow inline styles. */
export function adopt(root: DocumentOrShadowRoot, ...texts: readonly string[]): void {
  const sheets = texts.map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, ...sheets];
}
