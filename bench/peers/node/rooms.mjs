// Who is in which room, and one message to all of them.

const rooms = new Map();

/** Puts the socket into the room for as long as it lives. */
export function join(room, socket) {
  const members = rooms.get(room) ?? new Set();
  rooms.set(room, members.add(socket));
  socket.on("close", () => members.delete(socket));
}

/** Encoded once for everyone: as fast as `ws` goes without being changed. */
export function tell(room, message) {
  const data = Buffer.from(JSON.stringify(message));
  for (const socket of rooms.get(room)) if (socket.readyState === socket.OPEN) socket.send(data, { binary: false });
}
