/** The panel: waits for the page around it, connects, draws. It stores nothing: a frame on a foreign page may not. */

import { render } from "preact";
import { createClient } from "../core/client.ts";
import { hexOf, onColor } from "../ui/color.ts";
import { adopt } from "../ui/styles.ts";
import { tokens } from "../ui/tokens.ts";
import { App } from "./app.tsx";
import { type Boot, readBoot } from "./boot.ts";
import { type Host, meetHost } from "./host.ts";
import { Stopped } from "./later.ts";
import logStyles from "./log.css";
import { createModel } from "./model.ts";
import styles from "./panel.css";
import { createRoomsApi } from "./rooms-api.ts";
import { createSessions } from "./session.ts";
import { en } from "./text.ts";
import { anew, heed, leave } from "./who.ts";

const root = document.getElementById("panel") as HTMLElement;

/** The server refuses longer ones. */
const localeOf = (host: Host): string => (host.hello.locale || navigator.language).slice(0, 35);

/** A site's own colour stands on the body, where it wins over both themes. */
function dress(boot: Boot): void {
  const color = hexOf(boot.look.color);
  adopt(document, tokens, styles, logStyles, color ? `body{--lamp:${color};--on-lamp:${onColor(color)}}` : "");
}

function suit({ hello }: Host, { look }: Boot): void {
  document.documentElement.dir = hello.dir;
  document.documentElement.dataset.theme = hello.theme ?? look.theme ?? "";
}

async function start(): Promise<void> {
  const boot = readBoot();
  dress(boot);
  if (parent === window) return render(<Stopped code={4403} />, root);
  const host = await meetHost(boot.origins);
  suit(host, boot);
  const sessions = createSessions(boot.session, host, localeOf(host), leave);
  const ways = boot.preview
    ? (await import("./preview.ts")).pretend(boot.preview)
    : { getSession: sessions.ask, api: createRoomsApi(boot.session, sessions.token) };
  const model = createModel(createClient({ ...ways, locale: localeOf(host) }), host, ways.api, sessions.visitor);
  heed(host, sessions, model);
  if (history.state) void anew().then(({ resume }) => resume(model));
  render(<App boot={boot} model={model} locale={localeOf(host)} texts={en} />, root);
  host.tell({ t: "ready", look: boot.look });
}

void start();
