/** The inbox: three panes under one bar, the keyboard, the address and the title of the page. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Id, Notice } from "../core/index.ts";
import { type Boot, mayAnswer } from "./api.ts";
import { DetailsPane } from "./details.tsx";
import { Holder } from "./holder.tsx";
import { useAttention, useMedia } from "./hooks.ts";
import type { Command } from "./keys.ts";
import type { Model, View } from "./model.ts";
import { RoomPane } from "./room-pane.tsx";
import { freshNotes, listed, neighbour, unreadRooms } from "./rooms.ts";
import { RoomsPane } from "./rooms-pane.tsx";
import { pathOf, roomOf } from "./route.ts";
import { Shortcuts } from "./shortcuts.tsx";
import { en } from "./text.ts";
import { TopBar } from "./topbar.tsx";
import { useKeys } from "./use-keys.ts";

const WIDE = "(min-width: 1100px)";
const PHONE = "(max-width: 719px)";

export function App({ model, boot }: { readonly model: Model; readonly boot: Boot }) {
  const view = useView(model);
  const isWide = useMedia(WIDE);
  const isPhone = useMedia(PHONE);
  const attentive = useAttention();
  const [wantsDetails, setWantsDetails] = useState(isWide);
  const [showsKeys, setShowsKeys] = useState(false);
  const [cursor, setCursor] = useState<Id | null>(null);
  const canAnswer = mayAnswer(boot.role);
  const head = useRef<HTMLHeadingElement>(null);

  const { chat, room: opened, filter, pages, details } = view;
  const rows = useMemo(() => listed(chat.rooms, filter, pages[filter]), [chat.rooms, filter, pages]);
  const here = useMemo(() => new Set(Object.keys(view.visitors ?? {})), [view.visitors]);
  const noted = useMemo(() => freshNotes(chat.rooms), [chat.rooms]);
  const summary = opened ? chat.rooms[opened]?.summary : undefined;
  const live = summary?.visitor ? view.visitors?.[summary.visitor] : undefined;
  const showsDetails = wantsDetails && opened !== null && details?.state !== "gone";
  const isSheet = showsDetails && isPhone;

  useTitle(unreadRooms(chat.rooms));
  useEffect(() => setWantsDetails(isWide), [isWide]);

  useEffect(() => {
    if (!attentive || !opened) return;
    for (const one of chat.notices) if (one.room === opened) model.client.markSeen(one.id);
  }, [chat.notices, opened, attentive]);

  const go = (room: Id | null) => {
    if (room !== opened) history.pushState(null, "", pathOf(room));
    model.open(room);
    if (room) setCursor(room);
    if (isPhone) setWantsDetails(false);
  };
  useEffect(() => {
    if (isPhone && opened) head.current?.focus({ preventScroll: true });
  }, [opened, isPhone]);

  const closeDetails = () => {
    setWantsDetails(false);
    head.current?.focus({ preventScroll: true });
  };
  const toList = () => {
    if (isSheet) return closeDetails();
    const row = cursor ?? opened;
    if (isPhone) go(null);
    focusRow(row);
  };
  const step = (by: 1 | -1) => {
    const next = neighbour(rows, cursor ?? opened, by);
    setCursor(next);
    focusRow(next);
  };
  const notice = (one: Notice) => {
    model.client.markSeen(one.id);
    if (one.room) go(one.room);
  };

  const write = (noting: boolean) => {
    if (noting && !summary?.notes) return;
    if (view.isNoting !== noting) model.note(noting);
    document.getElementById("composer")?.focus();
  };

  const commands: Readonly<Record<Command, () => void>> = {
    next: () => step(1),
    previous: () => step(-1),
    answer: () => write(false),
    note: () => write(true),
    status: () => canAnswer && model.toggleStatus(),
    back: toList,
    help: () => setShowsKeys(true),
  };
  useKeys((command) => commands[command]());

  const visitor = (
    <DetailsPane
      details={details}
      room={opened ? chat.rooms[opened] : undefined}
      summary={summary}
      live={live}
      isKnown={view.visitors !== null}
      now={view.now}
      isSheet={isSheet}
      holder={
        summary?.kind === "support" && (
          <Holder summary={summary} team={view.team} me={boot.user.id} canAnswer={canAnswer} onGive={model.give} />
        )
      }
      onClose={closeDetails}
      onRetry={model.reloadDetails}
    />
  );

  return (
    <div class="inbox" data-view={opened ? "room" : "list"}>
      <TopBar
        boot={boot}
        connection={view.connection}
        notices={chat.notices}
        unreadNotices={chat.unreadNotices}
        now={view.now}
        mood={chat.mood}
        onMood={(mood) => model.client.presence(mood)}
        onHome={() => go(null)}
        onNotice={notice}
        onSeen={(one) => model.client.markSeen(one ? one.id : "all")}
        onSignOut={model.drafts.forget}
        onShortcuts={() => setShowsKeys(true)}
      />
      <main class="panes">
        <RoomsPane
          filter={filter}
          paging={pages[filter]}
          rows={rows}
          opened={opened}
          cursor={rows.some((row) => row.id === cursor) ? cursor : null}
          here={here}
          noted={noted}
          me={boot.user.name}
          now={view.now}
          tag={boot.tag}
          inert={isSheet}
          onFilter={model.show}
          onOpen={go}
          onCursor={setCursor}
          onMore={model.more}
        />
        <RoomPane
          model={model}
          chat={chat}
          opened={opened}
          hasRooms={rows.length > 0}
          details={details}
          change={view.change}
          now={view.now}
          live={live}
          attentive={attentive}
          canAnswer={canAnswer}
          detailsOpen={showsDetails}
          inert={isSheet}
          headRef={head}
          below={showsDetails && !isWide && !isPhone && visitor}
          onBack={() => go(null)}
          onDetails={() => setWantsDetails(!showsDetails)}
        />
        {isSheet && <button type="button" class="shade" aria-label={en.close} onClick={closeDetails} />}
        {showsDetails && (isWide || isPhone) && visitor}
      </main>
      {showsKeys && <Shortcuts onClose={() => setShowsKeys(false)} />}
    </div>
  );
}

function useView(model: Model): View {
  const [view, setView] = useState(model.view);
  useEffect(() => {
    setView(model.view());
    return model.subscribe(() => setView(model.view()));
  }, [model]);
  useEffect(() => {
    const route = () => model.open(roomOf(location.pathname));
    window.addEventListener("popstate", route);
    return () => window.removeEventListener("popstate", route);
  }, [model]);
  return view;
}

function useTitle(rooms: number): void {
  useEffect(() => {
    document.title = rooms > 0 ? en.titleUnread(rooms) : en.title;
  }, [rooms]);
}

/** After the next drawing, when the row can be reached. */
function focusRow(room: Id | null): void {
  requestAnimationFrame(() => {
    document.querySelector<HTMLElement>(`[data-room="${room}"] a`)?.focus();
  });
}
