export { type Client, type ClientOptions, createClient, type Events, type SendOptions } from "./client.ts";
export { type Clock, realClock } from "./clock.ts";
export { createEmitter, type Emitter, type Listener } from "./emitter.ts";
export * from "./protocol.ts";
export { backoff } from "./retry.ts";
export { createSocket, Refused, type Session, type Socket, type SocketOptions, type Status } from "./socket.ts";
export * from "./state.ts";
export { type Action, reduce } from "./store.ts";
export { browserSurroundings, type Connect, connectWebSocket, type Signal, type Surroundings } from "./transport.ts";
