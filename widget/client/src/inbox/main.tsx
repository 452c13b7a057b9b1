/** The agents' inbox: reads what the page carries, connects, draws. */

import { render } from "preact";
import { createClient } from "../core/index.ts";
import { adopt } from "../ui/styles.ts";
import { tokens } from "../ui/tokens.ts";
import { type Boot, createApi } from "./api.ts";
import { App } from "./app.tsx";
import { createDrafts } from "./drafts.ts";
import { askBeforeLeaving } from "./leaving.ts";
import { createModel } from "./model.ts";
import { roomOf } from "./route.ts";
import { sheets } from "./styles/sheets.ts";

function start(root: HTMLElement, boot: Boot): void {
  adopt(document, tokens, ...sheets);
  const api = createApi(boot);
  const client = createClient({ getSession: api.session, locale: navigator.language });
  const model = createModel(client, api, createDrafts(boot.user.id));
  model.open(roomOf(location.pathname));
  render(<App model={model} boot={boot} />, root);
  model.start();
  askBeforeLeaving(model);
}

const root = document.getElementById("inbox");
const boot = document.getElementById("boot");
if (root && boot?.textContent) start(root, JSON.parse(boot.textContent) as Boot);
