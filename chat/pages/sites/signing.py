"""How a customer's backend and pages say who their visitor is, as lines to copy."""

from typing import Final

from chat.install import widget_url
from chat.pages.sites.recipes import Recipe, filled

# `@src@`, `@key@` and `@kid@` are filled in. Each backend answers the address that the page asks.
PAGE: Final = (
    "Your page",
    "The tag names a function of yours. It is asked whenever the chat needs to know who is here, and answers with a new token, "
    "or with nothing where nobody is signed in.",
    """<script>
  async function whoIsHere() {
    const answer = await fetch("/chat-identity", { cache: "no-store" });
    if (answer.status === 401) return null;
    if (!answer.ok) throw new Error("It cannot be said now.");
    return answer.text();
  }
</script>
<script async src="@src@" data-key="@key@" data-identity="whoIsHere"></script>""",
)
APP: Final = (
    "A page that signs in without loading anew",
    "Say it yourself, once the tag is loaded. Null ends the chat of whoever was here.",
    """Porchlight.identify(whoIsHere); // after signing in
Porchlight.identify(null); // after signing out""",
)
BACKENDS: Final = (
    (
        "Python",
        "pip install pyjwt. The answer of /chat-identity, with Cache-Control: no-store; empty where nobody is signed in.",
        """import os
import time
import uuid

import jwt


def chat_identity(user):
    claims = {
        "sub": str(user.id),
        "name": user.name,
        "aud": "@key@",
        "jti": str(uuid.uuid4()),
        "exp": int(time.time()) + 120,
    }
    secret = os.environ["PORCHLIGHT_SECRET"]
    return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": "@kid@"})""",
    ),
    (
        "Node.js",
        "With Express, and nothing to install; request.user is yours.",
        """import { createHmac, randomUUID } from "node:crypto";

const packed = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");

app.get("/chat-identity", ({ user }, response) => {
  response.set("Cache-Control", "no-store").type("text/plain");
  if (!user) return response.status(204).end();
  const exp = Math.floor(Date.now() / 1000) + 120;
  const claims = { sub: String(user.id), name: user.name, aud: "@key@", jti: randomUUID(), exp };
  const said = `${packed({ alg: "HS256", kid: "@kid@" })}.${packed(claims)}`;
  const signature = createHmac("sha256", process.env.PORCHLIGHT_SECRET).update(said).digest("base64url");
  response.send(`${said}.${signature}`);
});""",
    ),
    (
        "PHP",
        "composer require firebase/php-jwt. What /chat-identity answers; $user is yours.",
        """use Firebase\\JWT\\JWT;

header('Cache-Control: no-store');
header('Content-Type: text/plain');
if (!$user) {
    http_response_code(204);
    exit;
}
$claims = [
    'sub' => (string) $user->id,
    'name' => $user->name,
    'aud' => '@key@',
    'jti' => bin2hex(random_bytes(16)),
    'exp' => time() + 120,
];
echo JWT::encode($claims, getenv('PORCHLIGHT_SECRET'), 'HS256', '@kid@');""",
    ),
    (
        "Ruby",
        "gem install jwt. In a Rails controller; current_user is yours.",
        """def chat_identity
  response.headers["Cache-Control"] = "no-store"
  return head :no_content unless current_user

  claims = {
    sub: current_user.id.to_s,
    name: current_user.name,
    aud: "@key@",
    jti: SecureRandom.uuid,
    exp: Time.now.to_i + 120
  }
  render plain: JWT.encode(claims, ENV.fetch("PORCHLIGHT_SECRET"), "HS256", { kid: "@kid@" })
end""",
    ),
)


def signing_for(key: str, kid: str) -> list[Recipe]:
    """The page's lines, then each backend's, for one embed key and one identity key."""
    values = {"@src@": widget_url("/porchlight.js"), "@key@": key, "@kid@": kid}
    return [Recipe(name, words, filled(code, values)) for name, words, code in (PAGE, *BACKENDS, APP)]
