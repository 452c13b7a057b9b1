/* The HTTP end of the flood: one request after the other on each connection, as fast as the answers and the pace allow. */
#include "flood.h"

/* HOST PATH TOKEN are the words of its line. */
void ask(Peer *p) {
    char request[MAX_FRAME];
    int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\nAuthorization: Bearer %s\r\n\r\n",
                     p->words[1], p->words[0], p->words[2]);
    if (n >= (int)sizeof request) fail("a request is too long");
    tally.asked++;
    p->state = ASKED;
    p->length = 0;
    put(p, request, (size_t)n);
}

/* The length of the whole answer; 0 while its head has not come. */
static size_t whole(const Peer *p) {
    const char *start = (const char *)p->in, *end = memmem(p->in, p->length, "\r\n\r\n", 4);
    const char *said = end ? strcasestr(start, "\r\nContent-Length:") : NULL;
    if (!end) return 0;
    if (!said || said > end) fail("an answer without a length");
    return (size_t)(end + 4 - start) + (size_t)atol(said + 17);
}

void take_answer(Peer *p) {
    p->in[p->length] = 0;
    size_t length = whole(p);
    if (length >= BUFFER) fail("an answer is too long");
    if (!length || p->length < length) return;
    if (!memcmp(p->in, "HTTP/1.1 200", 12))
        tally.answered++;
    else if (!memcmp(p->in, "HTTP/1.1 429", 12) || !memcmp(p->in, "HTTP/1.1 503", 12))
        tally.put_off++;
    else {
        fprintf(stderr, "flood: an answer that was not expected: %.300s\n", (const char *)p->in);
        exit(1);
    }
    p->state = READY;
}
