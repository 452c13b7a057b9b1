/** The list of rooms: the visitor's own with the team, and the community rooms of the site. */

import { Lock, MessageCircleQuestion, UsersRound } from "lucide";
import type { Id } from "../core/protocol.ts";
import { Icon } from "../ui/icon.tsx";
import { en } from "./extras-text.ts";
import type { Model } from "./model.ts";
import type { Offered } from "./rooms-api.ts";

export function RoomList({ model }: { readonly model: Model }) {
  const rooms = model.client.state().rooms;
  const own = Object.values(rooms).filter((room) => room.summary?.kind === "support");
  const unread = own.reduce((sum, room) => sum + room.unread, 0);
  return (
    <nav class="rooms" aria-label={en.rooms}>
      <ol>
        <Row
          node={MessageCircleQuestion}
          title={en.ask}
          hint={en.askHint}
          unread={unread}
          onClick={() => model.show(null)}
        />
        {model.offered().map((room) => (
          <Community key={room.id} room={room} unread={rooms[room.id]?.unread ?? 0} onShow={model.show} />
        ))}
      </ol>
    </nav>
  );
}

interface CommunityProps {
  readonly room: Offered;
  readonly unread: number;
  readonly onShow: (room: Id) => void;
}

function Community({ room, unread, onShow }: CommunityProps) {
  const { by, text } = room.last ?? {};
  const hint = text === undefined ? en.people(room.people) : by ? `${by}: ${text}` : text;
  const node = room.locked || room.closed ? Lock : UsersRound;
  return (
    <Row node={node} title={room.title} hint={hint} unread={room.joined ? unread : 0} onClick={() => onShow(room.id)} />
  );
}

interface RowProps {
  readonly node: typeof Lock;
  readonly title: string;
  readonly hint: string;
  readonly unread: number;
  readonly onClick: () => void;
}

function Row({ node, title, hint, unread, onClick }: RowProps) {
  return (
    <li>
      <button type="button" class="place" onClick={onClick}>
        <Icon node={node} />
        <span class="words">
          <b dir="auto">{title}</b>
          <span dir="auto">{hint}</span>
        </span>
        {unread > 0 && <span class="unread">{unread}</span>}
      </button>
    </li>
  );
}
