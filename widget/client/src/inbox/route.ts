/** The address of the page: `/inbox/` is the list, `/inbox/<room id>/` one room, so that a reload keeps the room. */
const ROOM = /^\/inbox\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\/?$/i;

/** The room a path names, or null for the list. */
export function roomOf(path: string): string | null {
  return ROOM.exec(path)?.[1]?.toLowerCase() ?? null;
}

export function pathOf(room: string | null): string {
  return room ? `/inbox/${room}/` : "/inbox/";
}
