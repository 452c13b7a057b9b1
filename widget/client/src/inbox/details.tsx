/** Who the visitor is: here or not, on which page, from where, since when. Live while they are on the site. */

import { X } from "lucide";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { LiveVisitor, Page, Room, Summary } from "../core/index.ts";
import type { Visitor } from "./api.ts";
import type { Details } from "./model.ts";
import { Face, IconButton } from "./parts.tsx";
import { en } from "./text.ts";
import { ago, full, languageName } from "./time.ts";

interface DetailsPaneProps {
  readonly details: Details | null;
  readonly room: Room | undefined;
  readonly summary: Summary | undefined;
  readonly live: LiveVisitor | undefined;
  /** Whether anybody can know who is here. */
  readonly isKnown: boolean;
  readonly now: number;
  /** A sheet over the page, on a phone. */
  readonly isSheet: boolean;
  /** Who holds the room, for a room with a visitor. */
  readonly holder: ComponentChildren;
  readonly onClose: () => void;
  readonly onRetry: () => void;
}

export function DetailsPane(props: DetailsPaneProps) {
  const { details, isSheet, onClose } = props;
  const close = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isSheet) close.current?.querySelector("button")?.focus();
  }, [isSheet]);
  return (
    <Frame isSheet={isSheet}>
      <div class="details-head" ref={close}>
        <IconButton class="close" node={X} label={en.close} onClick={onClose} />
      </div>
      {details?.state === "failed" && <Unknown onRetry={props.onRetry} />}
      {details?.state === "ready" && !details.visitor && <Company {...props} />}
      {details?.visitor && <Known {...props} visitor={details.visitor} />}
      {details?.state === "ready" && props.holder}
      {details?.state === "loading" && (
        <p class="unseen" role="status">
          {en.visitorLoading}
        </p>
      )}
    </Frame>
  );
}

/** A room of many: who is in it now. A support room whose visitor was erased has none to show. */
function Company({ room, summary }: DetailsPaneProps) {
  if (!room || summary?.kind === "support") return <p class="note">{en.visitorGone}</p>;
  const rest = Math.max(0, room.count - room.people.length);
  return (
    <section class="company">
      <h3>{en.hereNow(Math.max(room.count, room.people.length))}</h3>
      <ul>
        {room.people.map((person) => (
          <li key={person.id}>
            <Face name={person.name} size="mini" here />
            <span class="cut" dir="auto">
              {person.name}
            </span>
            {person.kind === "agent" && <span class="soft small">{en.team}</span>}
          </li>
        ))}
      </ul>
      {rest > 0 && <p class="soft small">{en.others(rest)}</p>}
    </section>
  );
}

function Frame({ isSheet, children }: { readonly isSheet: boolean; readonly children: ComponentChildren }) {
  const words = { class: "details", "aria-label": en.visitor };
  if (!isSheet) return <aside {...words}>{children}</aside>;
  return (
    <div {...words} role="dialog" aria-modal="true">
      {children}
    </div>
  );
}

function Unknown({ onRetry }: { readonly onRetry: () => void }) {
  return (
    <div class="note" role="alert">
      <p>{en.visitorFailed}</p>
      <button type="button" class="button" onClick={onRetry}>
        {en.retry}
      </button>
    </div>
  );
}

function Known({ visitor, live, isKnown, summary, now }: DetailsPaneProps & { readonly visitor: Visitor }) {
  const page = live?.page ?? visitor.page;
  const name = live?.name ?? visitor.name;
  return (
    <>
      <div class="details-who">
        <Face name={name} size="big" here={live !== undefined} />
        <h2 dir="auto">{name}</h2>
        <p class={live ? "now" : "soft"}>{isKnown && presenceOf(live, visitor, now)}</p>
      </div>
      <dl class="facts">
        <Fact label={en.signedIn}>{visitor.external_id}</Fact>
        <Address label={live ? en.page : en.lastPage} page={page} />
        <Fact label={en.referrer}>{page?.referrer && <Link href={page.referrer} />}</Fact>
        <Fact label={en.site}>{summary?.site?.name}</Fact>
        <Fact label={en.language}>{visitor.locale && languageName(visitor.locale)}</Fact>
        <Fact label={en.firstSeen}>
          <time dateTime={visitor.created_at} title={full(visitor.created_at)}>
            {full(visitor.created_at)}
          </time>
        </Fact>
      </dl>
    </>
  );
}

function presenceOf(live: LiveVisitor | undefined, visitor: Visitor, now: number): string {
  if (live) return en.visitorHere;
  return visitor.seen_at ? en.visitorSeen(ago(visitor.seen_at, now)) : en.visitorAway;
}

function Fact({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  if (!children) return null;
  return (
    <div>
      <dt>{label}</dt>
      <dd dir="auto">{children}</dd>
    </div>
  );
}

function Address({ label, page }: { readonly label: string; readonly page: Partial<Page> | null }) {
  if (!page?.url) return null;
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        {page.title && <span dir="auto">{page.title}</span>}
        <Link href={page.url} />
      </dd>
    </div>
  );
}

/** What a visitor's browser reported: a link only when it is a web address, and never with a word of who came from here. */
function Link({ href }: { readonly href: string }) {
  const words = href.replace(/^https?:\/\/(www\.)?/u, "").replace(/\/$/u, "");
  if (!/^https?:\/\//u.test(href)) return <span class="address">{href}</span>;
  return (
    <a class="address" href={href} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">
      {words}
    </a>
  );
}
