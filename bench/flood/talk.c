/* The WebSocket end of the flood (RFC 6455): it says what it likes, and of what it hears it counts the names of frames. */
#include "flood.h"

#define NAME 9 /* characters that tell one frame from the others; as many are kept between two reads, less one */

static void send_frame(Peer *p, const char *text) {
    unsigned char frame[MAX_FRAME + 8];
    size_t length = strlen(text), head = length < 126 ? 2 : 4;
    uint32_t mask = (uint32_t)random64();
    if (length > MAX_FRAME) fail("a frame is too long");
    frame[0] = 0x81;
    frame[1] = (unsigned char)(0x80 | (length < 126 ? length : 126));
    if (length >= 126) {
        frame[2] = (unsigned char)(length >> 8);
        frame[3] = (unsigned char)length;
    }
    memcpy(frame + head, &mask, 4);
    for (size_t i = 0; i < length; i++) frame[head + 4 + i] = (unsigned char)text[i] ^ frame[head + (i & 3)];
    put(p, frame, head + 4 + length);
}

/* HOST PATH PROTOCOL are the first words of its line. */
void upgrade(Peer *p) {
    char request[MAX_FRAME];
    int n = snprintf(request, sizeof request,
                     "GET %s HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Protocol: %s\r\n\r\n",
                     p->words[1], p->words[0], p->words[0], p->words[2]);
    if (n >= (int)sizeof request) fail("a request is too long");
    p->state = UPGRADING;
    put(p, request, (size_t)n);
}

static int count(const Peer *p, const char *name) {
    int found = 0;
    const unsigned char *at = p->in, *end = p->in + p->length;
    while ((at = memmem(at, (size_t)(end - at), name, NAME))) found++, at += NAME;
    return found;
}

static void come_in(Peer *p) {
    if (p->state == UPGRADING && memmem(p->in, p->length, "\r\n\r\n", 4)) {
        p->state = WELCOMED;
        send_frame(p, p->words[3]);
    } else if (p->state == WELCOMED && count(p, "\"t\":\"welc")) {
        p->state = JOINED;
        send_frame(p, p->words[4]);
    } else if (p->state == JOINED && count(p, "\"t\":\"join")) {
        p->state = READY;
    }
}

/* Forgets what has been counted, but for the beginning of a name. The handshake is kept until it is whole. */
static void forget(Peer *p) {
    size_t kept = p->length < NAME - 1 ? p->length : NAME - 1;
    if (p->state == UPGRADING && p->length < BUFFER / 2) return;
    memmove(p->in, p->in + p->length - kept, kept);
    p->length = kept;
}

/* The frame with a fresh UUID in the place of its `{cid}`. */
static void fill(char *to, const char *frame) {
    const char *mark = strstr(frame, "{cid}");
    uint64_t a = random64(), b = random64();
    if (!mark || strlen(frame) + 40 > MAX_FRAME) fail("a message without a {cid}, or too long");
    sprintf(to, "%.*s%08x-%04x-4%03x-8%03x-%012llx%s", (int)(mark - frame), frame, (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff),
            (unsigned)(a & 0xfff), (unsigned)(b >> 52), (unsigned long long)(b & 0xffffffffffffu), mark + 5);
}

void say(Peer *p) {
    char text[MAX_FRAME];
    if (!has_room(p)) {
        tally.held++;
    } else if (tally.said++ % TENTH == 0) {
        send_frame(p, p->words[6]);
    } else {
        fill(text, p->words[5]);
        send_frame(p, text);
    }
}

/* A visitor who is there says something, and goes when the first answer comes: the next time they are not known to be too fast. */
static void visit(Peer *p) {
    if (p->state == SAID) {
        tally.visits++;
        leave(p);
    }
    if (p->state != READY) return;
    for (int i = 0; i < BURST && p->state == READY; i++) say(p);
    if (p->state == READY) p->state = SAID;
}

void hear(Peer *p) {
    tally.taken += count(p, "\"t\":\"ack\"");
    tally.pages += count(p, "\"t\":\"page");
    tally.refused += count(p, "\"t\":\"err\"");
    come_in(p);
    if (p->kind == VISIT) visit(p);
    if (p->state != DOWN) forget(p);
}

int may_say(const Peer *p) {
    return p->kind == TALK && p->state == READY;
}
