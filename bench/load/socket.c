/* The WebSocket protocol of a client (RFC 6455), as far as a load generator needs it. */
#include "load.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

static int holds(const unsigned char *text, size_t length, const char *part) {
    return memmem(text, length, part, strlen(part)) != NULL;
}

void lose(Socket *s) {
    if (s->state == GONE || s->state == WAITING) return;
    if (s->state == READY) tally.ready--;
    close(s->fd);
    if (comes_back(s)) return;
    s->state = GONE;
    tally.gone++;
}

/* Client frames are small; a full send buffer means a server that stopped reading, and is given five seconds. */
static void write_all(Socket *s, const unsigned char *data, size_t length) {
    while (length) {
        ssize_t n = write(s->fd, data, length);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd room = {.fd = s->fd, .events = POLLOUT};
            if (poll(&room, 1, 5000) == 1) continue;
        }
        if (n < 0) {
            trouble("could not write", strerror(errno), strlen(strerror(errno)));
            lose(s);
            return;
        }
        data += n;
        length -= (size_t)n;
    }
}

static void send_frame(Socket *s, int opcode, const void *payload, size_t length) {
    unsigned char frame[MAX_FRAME + 8];
    size_t head = 2;
    uint32_t mask = (uint32_t)random64();
    if (length > MAX_FRAME) fail("a frame to send is too long");
    frame[0] = (unsigned char)(0x80 | opcode);
    frame[1] = (unsigned char)(0x80 | (length < 126 ? length : 126));
    if (length >= 126) {
        frame[2] = (unsigned char)(length >> 8);
        frame[3] = (unsigned char)length;
        head = 4;
    }
    memcpy(frame + head, &mask, 4);
    for (size_t i = 0; i < length; i++) frame[head + 4 + i] = ((const unsigned char *)payload)[i] ^ frame[head + (i & 3)];
    write_all(s, frame, head + 4 + length);
}

void send_message(Socket *s) {
    char frame[MAX_FRAME];
    tally.sent++;
    if (s->state == READY) send_frame(s, 1, frame, fill(frame, s->template));
}

void send_beat(Socket *s) {
    if (s->state == READY) send_frame(s, 1, option.beat, strlen(option.beat));
}

/* Sends the next first frame, or finds that there is none and the socket is ready. */
static void step(Socket *s) {
    char *frame = s->steps[0];
    s->awaited = frame ? s->steps[1] : NULL;
    if (frame && s->awaited) {
        s->steps += 2;
        s->state = GREETING;
        if (*frame) send_frame(s, 1, frame, strlen(frame));
    } else {
        s->state = READY;
        tally.ready++;
        s->ready_at = now();
        came_back(s);
    }
}

static void take_delivery(const char *stamp, size_t length) {
    tally.last_delivery = now();
    if (tally.samples < MAX_SAMPLES) tally.latency[tally.samples++] = (float)((tally.last_delivery - atof(stamp + 2)) * 1e3);
    tally.delivered++;
    tally.bytes += (long)length;
}

static void take_text(Socket *s, const unsigned char *text, size_t length) {
    const char *stamp;
    hear_bye(s, text, length);
    if (*option.refused && holds(text, length, option.refused)) {
        tally.refused++;
        trouble("refused", text, length);
    } else if (s->state == GREETING) {
        if (holds(text, length, s->awaited)) s->answers++, step(s);
    } else if (holds(text, length, option.mark) && (stamp = memmem(text, length, "T=", 2)))
        take_delivery(stamp, length);
}

static void take_close(Socket *s, const unsigned char *payload, size_t length) {
    char code[32];
    snprintf(code, sizeof code, "%d ", length >= 2 ? payload[0] << 8 | payload[1] : 1005);
    trouble("closed by the server", code, strlen(code));
    lose(s);
}

static void take_frame(Socket *s, int first, const unsigned char *payload, size_t length) {
    switch (first) {
    case 0x81: take_text(s, payload, length); break;
    case 0x89: send_frame(s, 0xa, payload, length); break;
    case 0x8a: break;
    case 0x88: take_close(s, payload, length); break;
    default: fail("a frame that is fragmented, compressed or binary");
    }
}

/* Length of the head and of the payload of the frame at `p`; 0 when there is not enough to tell. */
static size_t head_of(const unsigned char *p, size_t left, size_t *payload) {
    size_t head = 2, extra;
    if (left < 2) return 0;
    *payload = p[1] & 0x7f;
    extra = *payload == 126 ? 2 : *payload == 127 ? 8 : 0;
    if (left < head + extra) return 0;
    if (extra) *payload = 0;
    for (size_t i = 0; i < extra; i++) *payload = *payload << 8 | p[head + i];
    return head + extra;
}

/* Handles the whole frames from `at` on. Returns where the first incomplete one begins. */
static size_t take_frames(Socket *s, size_t at) {
    size_t head, payload;
    while (s->state != GONE && s->state != WAITING && (head = head_of(s->in + at, s->length - at, &payload)) && s->length - at >= head + payload) {
        take_frame(s, s->in[at], s->in + at + head, payload);
        at += head + payload;
    }
    return at;
}

/* The server's answer to the upgrade. Returns its length, 0 while it is incomplete or when it is a refusal. */
static size_t take_upgrade(Socket *s) {
    unsigned char *end = memmem(s->in, s->length, "\r\n\r\n", 4);
    if (!end) return 0;
    if (memcmp(s->in, "HTTP/1.1 101", 12)) {
        trouble("handshake", s->in, (size_t)(end - s->in));
        lose(s);
        return 0;
    }
    step(s);
    return (size_t)(end + 4 - s->in);
}

static void consume(Socket *s) {
    size_t at = 0;
    if (s->state == UPGRADING && !(at = take_upgrade(s))) return;
    at = take_frames(s, at);
    if (at > s->length) return; /* it was lost, and what it held with it */
    s->length -= at;
    memmove(s->in, s->in + at, s->length);
}

static void make_room(Socket *s) {
    if (s->room - s->length >= 8192) return;
    s->room = s->room ? s->room * 2 : 16384;
    if (s->room > MAX_BUFFER || !(s->in = realloc(s->in, s->room))) fail("a socket's buffer is full");
}

void receive(Socket *s) {
    make_room(s);
    ssize_t n = read(s->fd, s->in + s->length, s->room - s->length);
    if (n > 0) {
        s->length += (size_t)n;
        consume(s);
    } else if (n == 0 || errno != EAGAIN) {
        trouble("connection ended", n ? strerror(errno) : "by the server", 40);
        lose(s);
    }
}

static struct sockaddr_in loopback(int last, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl((INADDR_LOOPBACK & ~0xffu) | (uint32_t)last);
    return address;
}

int dial(Socket *s) {
    int yes = 1;
    struct sockaddr_in to = loopback(1, s->port), from = loopback(1 + (int)(s - sockets) % ADDRESSES, 0);
    if ((s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) < 0) fail_system("socket");
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    if (bind(s->fd, (struct sockaddr *)&from, sizeof from)) fail_system("bind");
    s->state = CONNECTING;
    if (!connect(s->fd, (struct sockaddr *)&to, sizeof to) || errno == EINPROGRESS) return 1;
    trouble("could not connect", strerror(errno), strlen(strerror(errno)));
    lose(s);
    return 0;
}

void upgrade(Socket *s) {
    char request[2048];
    int n = snprintf(request, sizeof request,
                     "GET %s HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
                     s->path, option.host, option.origin, *option.protocol ? "Sec-WebSocket-Protocol: " : "", option.protocol,
                     *option.protocol ? "\r\n" : "");
    if (n >= (int)sizeof request) fail("the request is too long");
    s->state = UPGRADING;
    write_all(s, (unsigned char *)request, (size_t)n);
}
