/* What Acme's page has beside the tag, as docs/embed.md says it. */

/** Who is signed in here, as Acme's server vouches for it; an empty answer: nobody. The chat asks when it must know. */
async function whoIsHere() {
  const answer = await fetch("/chat-identity", { cache: "no-store" });
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error("It cannot be said now.");
  return answer.text();
}

/* Signing in and out without loading the page anew. Where this script does not run, the forms do it. */
addEventListener("submit", async (event) => {
  const form = event.target;
  event.preventDefault();
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form, event.submitter) });
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.getElementById("who").replaceWith(page.getElementById("who"));
    document.querySelector("#who h2").focus();
    window.Porchlight?.identify(form.action.endsWith("/sign-in/") ? whoIsHere : null);
  } catch {
    location.reload();
  }
});
