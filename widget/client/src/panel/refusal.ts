/** What a refused session means. Fetched when one was refused. */

/** Close codes stand for what trying again would not mend. */
const FINAL: Readonly<Record<number, number>> = { 400: 4400, 401: 4401, 403: 4403, 404: 4404, 410: 4410 };

/** The site asks who is here, and the page has not said; or it has, and the server does not believe it. No socket ends with these. */
const SIGN_IN = 4411;
const NOT_BELIEVED = 4412;

interface Said {
  readonly error?: { readonly field?: string };
}

/** The close code to stop with; throws where the refusal may pass. `isNamed`: whether an identity was shown. */
export async function codeOf(response: Response, isNamed: boolean): Promise<number> {
  const code = FINAL[response.status];
  if (code === undefined) throw new Error(`session: ${response.status}`);
  if (code !== 4403) return code;
  const { error } = (await response.json().catch(() => ({}))) as Said;
  if (error?.field === undefined) return 4410; // a site that is not served at the moment
  if (error.field !== "identity") return code;
  return isNamed ? NOT_BELIEVED : SIGN_IN;
}
