/*
 * Coming back after a restart, as the product's client does: after `bye.after` milliseconds where the server said so, else after
 * random() * min(20 s, 300 ms * 2^tries). docs/protocol.md has the rule.
 */
#include "load.h"

#define FIRST_SECONDS 0.3
#define LONGEST_SECONDS 20.0

static int is_coming_back;
static double first_lost;

void hear_bye(Socket *s, const unsigned char *text, size_t length) {
    const char *after = "\"after\":", *found;
    if (!is_coming_back || !memmem(text, length, "\"t\":\"bye\"", 9)) return;
    if ((found = memmem(text, length, after, strlen(after)))) s->pause = atof(found + strlen(after)) / 1e3;
}

static double backoff(int tries) {
    double most = FIRST_SECONDS * (double)(1 << (tries < 10 ? tries : 10));
    return (double)(random64() >> 11) / (double)(1ull << 53) * (most < LONGEST_SECONDS ? most : LONGEST_SECONDS);
}

int comes_back(Socket *s) {
    if (!is_coming_back) return 0;
    if (!tally.lost) first_lost = now();
    if (!s->was_lost++) tally.lost++;
    s->dial_at = now() + (s->pause >= 0 ? s->pause : backoff(s->tries));
    s->pause = -1;
    s->tries++;
    s->length = 0;
    s->steps = s->again;
    s->state = WAITING;
    return 1;
}

static void dial_due(void) {
    double t = now();
    for (int i = 0; i < socket_count; i++)
        if (sockets[i].state == WAITING && sockets[i].dial_at <= t) start(&sockets[i]);
}

static int are_back(void) {
    return tally.lost == socket_count && tally.ready == socket_count;
}

void come_back(double seconds) {
    long dials = 0;
    is_coming_back = 1;
    tally.lost = 0;
    for (int i = 0; i < socket_count; i++) sockets[i].was_lost = sockets[i].tries = 0, sockets[i].pause = -1;
    printf("{\"event\": \"watching\"}\n");
    for (double end = now() + seconds; now() < end && !are_back();) {
        pump(2);
        dial_due();
    }
    is_coming_back = 0;
    for (int i = 0; i < socket_count; i++) dials += sockets[i].tries;
    printf("{\"event\": \"back\", \"lost\": %d, \"back\": %d, \"dials\": %ld, \"seconds\": %.3f}\n", tally.lost, tally.ready, dials,
           tally.last_ready - first_lost);
}
