// A chat room on socket.io with its Redis adapter: `REDIS_URL=... node socketio.mjs PORT`. The room is in the query.

import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import Redis from "ioredis";
import { Server } from "socket.io";

const publisher = new Redis(process.env.REDIS_URL);
const http = createServer().listen(Number(process.argv[2]), "127.0.0.1");
const server = new Server(http, {
  adapter: createAdapter(publisher, publisher.duplicate()),
  transports: ["websocket"],
  perMessageDeflate: false,
  pingInterval: 600_000, // our load generator answers no pings of its own protocol
});

server.on("connection", (socket) => {
  const { room } = socket.handshake.query;
  socket.join(room);
  socket.on("say", ({ message }) => {
    server.to(room).emit("message", { type: "message", message, username: "Ben", timestamp: new Date().toISOString() });
  });
});
