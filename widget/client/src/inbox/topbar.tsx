/** The bar above everything: whose inbox it is, how the connection is, what is new, and the way out. */

import { Bell, Check, Keyboard, LogOut, UserRound } from "lucide";
import { useRef, useState } from "preact/hooks";
import type { Mood, Notice } from "../core/index.ts";
import { Icon, Mark } from "../ui/icon.tsx";
import { type Boot, mayAnswer } from "./api.ts";
import type { Connection } from "./connection.ts";
import { useDismiss } from "./hooks.ts";
import { Ago, Face, IconButton } from "./parts.tsx";
import { Sections } from "./sections.tsx";
import { en } from "./text.ts";

interface TopBarProps {
  readonly boot: Boot;
  readonly connection: Connection;
  readonly notices: readonly Notice[];
  readonly unreadNotices: number;
  readonly now: number;
  /** What I say of myself. */
  readonly mood: Mood;
  readonly onMood: (mood: Mood) => void;
  readonly onHome: () => void;
  readonly onNotice: (notice: Notice) => void;
  readonly onSeen: (notice: Notice | null) => void;
  readonly onShortcuts: () => void;
  readonly onSignOut: () => void;
}

export function TopBar(props: TopBarProps) {
  const { boot, onHome } = props;
  const home = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onHome();
  };
  return (
    <header class="top">
      <h1 class="unseen">{en.title}</h1>
      <Sections boot={boot} />
      <a class="brand" href="/inbox/" onClick={home}>
        <Mark />
        <span class="cut">{boot.tenant.name}</span>
      </a>
      <ConnectionLine connection={props.connection} />
      <div class="top-actions">
        <IconButton class="keys-button" node={Keyboard} label={en.shortcuts} onClick={props.onShortcuts} />
        <Notices {...props} />
        <UserMenu {...props} />
      </div>
    </header>
  );
}

function ConnectionLine({ connection }: { readonly connection: Connection }) {
  return (
    <p class="connection" role="status" data-state={connection.state}>
      {connection.state === "stopped" ? <Stopped code={connection.code} /> : WORDS[connection.state]}
    </p>
  );
}

const WORDS = { well: "", connecting: en.connecting, offline: en.offline, back: en.connectionBack } as const;
const REVOKED = 4401;
const RELOAD_HELPS = [4400, 4426];

function Stopped({ code }: { readonly code: number }) {
  if (code === REVOKED) {
    const next = new URLSearchParams({ next: location.pathname });
    return (
      <span>
        {en.signedOut} <a href={`/sign-in/?${next}`}>{en.signInAgain}</a>
      </span>
    );
  }
  return (
    <span>
      {en.stopped[code] ?? en.stoppedOther} {RELOAD_HELPS.includes(code) && <a href={location.pathname}>{en.reload}</a>}
    </span>
  );
}

function Notices({ notices, unreadNotices, now, onNotice, onSeen }: TopBarProps) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useDismiss(isOpen, root, () => setOpen(false));
  const pick = (notice: Notice) => {
    setOpen(false);
    onNotice(notice);
  };
  const label = unreadNotices > 0 ? en.noticesNew(unreadNotices) : en.notices;
  return (
    <div class="float-root" ref={root}>
      <IconButton node={Bell} label={label} expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {unreadNotices > 0 && <span class="dot-new">{en.unreadBadge(unreadNotices)}</span>}
      </IconButton>
      {isOpen && (
        <section class="pop" aria-label={en.notices}>
          <div class="pop-head">
            <h2>{en.notices}</h2>
            {notices.length > 0 && (
              <button type="button" class="text-button small" onClick={() => onSeen(null)}>
                {en.seenAll}
              </button>
            )}
          </div>
          {notices.length === 0 && <p class="pop-empty">{en.noNotices}</p>}
          <ul>
            {notices.map((notice) => (
              <NoticeRow key={notice.id} notice={notice} now={now} onPick={pick} onSeen={onSeen} />
            ))}
          </ul>
          <a class="menu-item pop-all" href="/notifications/">
            {en.allNotices}
          </a>
        </section>
      )}
    </div>
  );
}

interface NoticeRowProps {
  readonly notice: Notice;
  readonly now: number;
  readonly onPick: (notice: Notice) => void;
  readonly onSeen: (notice: Notice) => void;
}

function NoticeRow({ notice, now, onPick, onSeen }: NoticeRowProps) {
  const pick = (event: MouseEvent) => {
    if (notice.room) event.preventDefault();
    onPick(notice);
  };
  return (
    <li class="notice">
      <a href={notice.url} onClick={pick}>
        <strong>{notice.title}</strong>
        {notice.body && <span class="clamp">{notice.body}</span>}
        <span class="soft small">
          <Ago ts={notice.ts} now={now} />
        </span>
      </a>
      <IconButton node={Check} label={`${en.seen}: ${notice.title}`} onClick={() => onSeen(notice)} />
    </li>
  );
}

function UserMenu({ boot, mood, onMood, onSignOut }: TopBarProps) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useDismiss(isOpen, root, () => setOpen(false));
  return (
    <div class="float-root" ref={root}>
      <button
        type="button"
        class="icon-button"
        title={boot.user.name}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <Face name={boot.user.name} size="mini" />
        {mayAnswer(boot.role) && <i class="mood" data-mood={mood} />}
        <span class="unseen">
          {en.menu(boot.user.name)}, {en.moods[mood]}
        </span>
      </button>
      {isOpen && (
        <div class="pop menu">
          <p class="menu-who">
            <strong>{boot.user.name}</strong>
            <span class="soft small">{boot.user.email}</span>
          </p>
          {mayAnswer(boot.role) && <Moods mood={mood} onMood={onMood} />}
          <a class="menu-item" href={boot.you}>
            <Icon node={UserRound} size={18} /> {en.you}
          </a>
          <form method="post" action="/sign-out/" onSubmit={onSignOut}>
            <input type="hidden" name="csrfmiddlewaretoken" value={boot.csrf} />
            <button type="submit" class="menu-item">
              <Icon node={LogOut} size={18} /> {en.signOut}
            </button>
          </form>
        </div>
      )}
    </div>
  );
}

const MOODS: readonly Mood[] = ["online", "away", "busy"];

function Moods({ mood, onMood }: Pick<TopBarProps, "mood" | "onMood">) {
  return (
    <fieldset class="tabs moods">
      <legend class="unseen">{en.mood}</legend>
      {MOODS.map((one) => (
        <button key={one} type="button" class="tab" aria-pressed={one === mood} onClick={() => onMood(one)}>
          <i class="mood" data-mood={one} /> {en.moods[one]}
        </button>
      ))}
    </fieldset>
  );
}
