/** The middle: the open room with its head, its log and the composer; or a word when none is open. */

import { ArrowLeft, Check, PanelRight, RotateCcw } from "lucide";
import type { ComponentChildren, Ref } from "preact";
import type { Id, LiveVisitor, Room, State } from "../core/index.ts";
import { Icon, Mark } from "../ui/icon.tsx";
import { Composer } from "./composer.tsx";
import { Log } from "./log.tsx";
import type { Details, Model, StatusChange } from "./model.ts";
import { Face, IconButton } from "./parts.tsx";
import { filterOf } from "./rooms.ts";
import { en } from "./text.ts";

export interface RoomPaneProps {
  readonly model: Model;
  readonly chat: State;
  readonly opened: Id | null;
  readonly hasRooms: boolean;
  readonly details: Details | null;
  readonly change: StatusChange | null;
  readonly now: number;
  readonly live: LiveVisitor | undefined;
  readonly attentive: boolean;
  readonly canAnswer: boolean;
  readonly detailsOpen: boolean;
  readonly inert: boolean;
  readonly headRef: Ref<HTMLHeadingElement>;
  /** What stands between head and log where there is no room beside them. */
  readonly below: ComponentChildren;
  readonly onBack: () => void;
  readonly onDetails: () => void;
}

export function RoomPane(props: RoomPaneProps) {
  const { chat, opened, details } = props;
  const room = opened ? chat.rooms[opened] : undefined;
  return (
    <section class="room" aria-label={en.roomLabel} inert={props.inert}>
      {!opened &&
        (props.hasRooms ? (
          <Blank title={en.pick} hint={en.pickHint} />
        ) : (
          <Blank title={en.lampOn} hint={en.lampOnHint} />
        ))}
      {opened && details?.state === "gone" && <Gone onBack={props.onBack} />}
      {opened && details?.state !== "gone" && room && <OpenRoom {...props} room={room} />}
    </section>
  );
}

function Blank({ title, hint }: { readonly title: string; readonly hint: string }) {
  return (
    <div class="blank">
      <Mark />
      <h2>{title}</h2>
      <p>{hint}</p>
    </div>
  );
}

function Gone({ onBack }: { readonly onBack: () => void }) {
  return (
    <div class="blank" role="alert">
      <h2>{en.roomGone}</h2>
      <p>{en.roomGoneHint}</p>
      <button type="button" class="button" onClick={onBack}>
        {en.back}
      </button>
    </div>
  );
}

function OpenRoom(props: RoomPaneProps & { readonly room: Room }) {
  const { model, chat, room, attentive, now } = props;
  const name = room.summary?.title ?? en.visitor;
  const isResolved = room.summary ? filterOf(room.summary) === "resolved" : false;
  return (
    <>
      <RoomHead {...props} name={name} />
      {props.below}
      {props.change?.room === room.id && props.change.state === "failed" && (
        <p class="strip bad" role="alert">
          {en.changeFailed}
        </p>
      )}
      <Log
        key={room.id}
        model={model}
        chat={chat}
        room={room}
        name={name}
        attentive={attentive}
        canAnswer={props.canAnswer}
        now={now}
      />
      {props.canAnswer ? (
        <Composer key={`composer ${room.id}`} model={model} room={room} name={name} isResolved={isResolved} />
      ) : (
        <p class="strip">{en.mayOnlyRead}</p>
      )}
    </>
  );
}

function RoomHead(props: RoomPaneProps & { readonly room: Room; readonly name: string }) {
  const { room, name, live, detailsOpen } = props;
  const place = live ? live.page.title || live.page.url : room.summary?.site?.name;
  return (
    <header class="room-head">
      <IconButton class="back flip" node={ArrowLeft} label={en.back} onClick={props.onBack} />
      <Face name={name} here={live !== undefined} />
      <div class="who">
        <h2 class="cut" dir="auto" tabIndex={-1} ref={props.headRef}>
          {name}
        </h2>
        <p class="soft small cut" dir="auto">
          {live && <span class="now">{en.visitorHere}</span>}
          {live && place ? ", " : ""}
          {place}
        </p>
      </div>
      {room.summary?.kind === "support" && props.canAnswer && <StatusButton {...props} />}
      <IconButton
        class="flip"
        node={PanelRight}
        label={detailsOpen ? en.hideDetails : en.showDetails}
        expanded={detailsOpen}
        onClick={props.onDetails}
      />
    </header>
  );
}

/** Its done state is its other word: what was resolved offers to be reopened. */
function StatusButton({ model, room, change }: RoomPaneProps & { readonly room: Room }) {
  const isResolved = room.summary?.status === "resolved";
  const isBusy = change?.room === room.id && change.what === "status" && change.state === "busy";
  const words = isResolved ? [en.reopen, en.reopening] : [en.resolve, en.resolving];
  return (
    <button type="button" class="button status" aria-disabled={isBusy} aria-busy={isBusy} onClick={model.toggleStatus}>
      <Icon node={isResolved ? RotateCcw : Check} size={18} />
      <span class="wide">{words[isBusy ? 1 : 0]}</span>
    </button>
  );
}
