// The same room with what ours promises of a stored message: `DATABASE_URL=... node ws_pg.mjs PORT`.
//
// Each message takes its room's next number under the row's lock and is stored under it, in one statement and so in one
// transaction; after the commit its sender gets an `ack` and the room the message. The numbers have no holes: a `cid` that comes
// again breaks the unique constraint, which takes the number back with the insert, and is answered with what it was given before.
// One round trip for each message, over ten connections.

import pg from "pg";
import { WebSocketServer } from "ws";
import { join, tell } from "./rooms.mjs";

const APPEND = {
  name: "append",
  text: `WITH numbered AS (UPDATE room SET last_seq = last_seq + 1 WHERE id = $1 RETURNING last_seq)
         INSERT INTO message (room_id, seq, cid, text) SELECT $1, last_seq, $2, $3 FROM numbered RETURNING seq, created_at`,
};
const KNOWN = { name: "known", text: "SELECT seq, created_at FROM message WHERE room_id = $1 AND cid = $2" };
const UNIQUE_VIOLATION = "23505";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), perMessageDeflate: false });

async function store(room, cid, text) {
  try {
    const { rows } = await pool.query({ ...APPEND, values: [room, cid, text] });
    return { ...rows[0], isNew: true };
  } catch (error) {
    if (error.code !== UNIQUE_VIOLATION) throw error;
    const { rows } = await pool.query({ ...KNOWN, values: [room, cid] });
    return { ...rows[0], isNew: false };
  }
}

async function receive(room, socket, { cid, text }) {
  const { seq, created_at, isNew } = await store(room, cid, text);
  socket.send(JSON.stringify({ type: "ack", cid, seq, timestamp: created_at }));
  if (isNew) tell(room, { type: "message", seq, cid, message: text, username: "Ben", timestamp: created_at });
}

server.on("connection", (socket, request) => {
  const room = Number(request.url.slice(1));
  join(room, socket);
  socket.on("message", (data) => {
    receive(room, socket, JSON.parse(data)).catch((error) => socket.send(JSON.stringify({ type: "error", error: String(error) })));
  });
});
