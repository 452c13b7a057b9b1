import { createHash, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { SUBPROTOCOL } from "../../src/core/protocol.ts";
import type { Handlers, Transport } from "../../src/core/transport.ts";

/** A WebSocket over a bare TCP connection (RFC 6455), so that it can be cut in the middle of anything. */
export interface Line extends Transport {
  /** Vanishes without a word. */
  cut(): void;
}

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const LOST = 1006;

/** Everything is said to this machine, whatever the host of the address is called. */
export function openLine(url: string, handlers: Handlers): Line {
  const { host, port, pathname } = new URL(url);
  const key = randomBytes(16).toString("base64");
  const socket = connect(Number(port), "127.0.0.1");
  let buffer = Buffer.alloc(0);
  let opened = false;
  let code = LOST;

  function read(data: Buffer): void {
    buffer = Buffer.concat([buffer, data]);
    if (!opened) shakeHands();
    if (opened) for (let frame = next(); frame; frame = next()) take(frame);
  }

  function shakeHands(): void {
    const end = buffer.indexOf("\r\n\r\n");
    if (end < 0) return;
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    if (!buffer.subarray(0, end).toString().includes(accept)) return void socket.destroy();
    buffer = buffer.subarray(end + 4);
    opened = true;
    handlers.open();
  }

  function next(): Frame | undefined {
    const found = frameIn(buffer);
    if (found) buffer = buffer.subarray(found.end);
    return found;
  }

  function take({ opcode, payload }: Frame): void {
    if (opcode === TEXT) handlers.text(payload.toString());
    if (opcode === PING) write(socket, PONG, payload);
    if (opcode !== CLOSE) return;
    code = payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
    write(socket, CLOSE, payload.subarray(0, 2));
    socket.end();
  }

  socket.setNoDelay();
  socket.on("connect", () => {
    const lines = [
      `GET ${pathname} HTTP/1.1`,
      `Host: ${host}`,
      `Origin: http://${host}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${key}`,
      `Sec-WebSocket-Protocol: ${SUBPROTOCOL}`,
    ];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  });
  socket.on("data", read);
  socket.on("error", () => {});
  socket.on("close", () => handlers.close(code));
  return {
    send: (text) => write(socket, TEXT, Buffer.from(text)),
    close() {
      write(socket, CLOSE, Buffer.from([3, 232]));
      socket.end();
    },
    cut: () => void socket.resetAndDestroy(),
  };
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly end: number;
}

/** The first whole frame of what a server sent, which is neither masked nor in pieces. */
function frameIn(buffer: Buffer): Frame | undefined {
  if (buffer.length < 2) return undefined;
  const short = buffer.readUInt8(1);
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (buffer.length < start) return undefined;
  const length = short === 126 ? buffer.readUInt16BE(2) : short === 127 ? Number(buffer.readBigUInt64BE(2)) : short;
  const end = start + length;
  if (buffer.length < end) return undefined;
  return { opcode: buffer.readUInt8(0) & 15, payload: buffer.subarray(start, end), end };
}

function write(socket: Socket, opcode: number, payload: Buffer): void {
  const length = payload.length;
  const long = length > 65_535 ? 10 : length > 125 ? 4 : 2;
  const head = Buffer.alloc(long + 4);
  head.writeUInt8(128 | opcode, 0);
  head.writeUInt8(128 | (long === 10 ? 127 : long === 4 ? 126 : length), 1);
  if (long === 4) head.writeUInt16BE(length, 2);
  if (long === 10) head.writeBigUInt64BE(BigInt(length), 2);
  const mask = randomBytes(4);
  mask.copy(head, long);
  const masked = payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  if (socket.writable) socket.write(Buffer.concat([head, masked]));
}
