// A chat room on node's `ws`: `node ws.mjs PORT`. The room is the path. Nobody signs in, nothing is stored or limited.

import { WebSocketServer } from "ws";
import { join, tell } from "./rooms.mjs";

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), perMessageDeflate: false });

server.on("connection", (socket, request) => {
  join(request.url, socket);
  socket.on("message", (data) => {
    const { message } = JSON.parse(data);
    tell(request.url, { type: "message", message, username: "Ben", timestamp: new Date().toISOString() });
  });
});
