/*
 * Coming back after a restart, as the product's client does (docs/protocol.md has the rules, widget/client/src/core/socket.ts the
 * client): after `bye.after` milliseconds where the server said so, else after random() * min(20 s, 300 ms * 2^tries). A
 * connection that brings no first answer in time is given up, and dialled again.
 */
#include "load.h"

#define FIRST_SECONDS 0.3
#define LONGEST_SECONDS 20.0

static int is_coming_back, return_count;
static double first_lost, patience;
static struct {
    double at, after; /* when it was served again, and how long it was not */
} returns[MAX_RETURNS];

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
    if (!s->lost_at) s->lost_at = now();
    s->dial_at = now() + (s->pause >= 0 ? s->pause : backoff(s->tries));
    s->pause = -1;
    s->tries++;
    s->length = 0;
    s->answers = 0;
    s->steps = s->again;
    s->state = WAITING;
    return 1;
}

void came_back(Socket *s) {
    if (s->lost_at && return_count < MAX_RETURNS) {
        returns[return_count].at = now();
        returns[return_count++].after = now() - s->lost_at;
    }
    s->lost_at = 0;
}

static int is_impatient(const Socket *s, double t) {
    int is_opening = s->state == CONNECTING || s->state == UPGRADING || s->state == GREETING;
    return is_opening && !s->answers && t - s->dial_at > patience;
}

static void dial_due(void) {
    double t = now();
    for (int i = 0; i < socket_count; i++) {
        Socket *s = &sockets[i];
        if (s->state == WAITING && s->dial_at <= t)
            start(s);
        else if (is_impatient(s, t))
            lose(s);
    }
}

static int are_back(void) {
    return tally.lost == socket_count && tally.ready == socket_count;
}

static int earlier(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds since the first was lost until so large a share was back. */
static double share_back(double share) {
    static double back_at[MAX_SOCKETS];
    for (int i = 0; i < socket_count; i++) back_at[i] = sockets[i].ready_at - first_lost;
    qsort(back_at, (size_t)socket_count, sizeof *back_at, earlier);
    return back_at[(int)((double)(socket_count - 1) * share)];
}

/* Until now they have been connected for long: their tries begin at none. */
static void forget_tries(void) {
    tally.lost = return_count = 0;
    for (int i = 0; i < socket_count; i++) sockets[i].was_lost = sockets[i].tries = 0, sockets[i].pause = -1, sockets[i].lost_at = 0;
}

/* The most that came within one second. They are in the order in which they came. */
static int busiest_second(void) {
    int most = 0;
    for (int first = 0, last = 0; last < return_count; last++) {
        while (returns[last].at - returns[first].at > 1) first++;
        if (last - first + 1 > most) most = last - first + 1;
    }
    return most;
}

static double share_after(double share) {
    static double after[MAX_RETURNS];
    for (int i = 0; i < return_count; i++) after[i] = returns[i].after;
    qsort(after, (size_t)return_count, sizeof *after, earlier);
    return return_count ? after[(int)((double)(return_count - 1) * share)] : 0;
}

void stay(double seconds_to_answer) {
    char line[128];
    forget_tries();
    patience = seconds_to_answer;
    is_coming_back = 1;
    printf("{\"event\": \"watching\"}\n");
    while (!pump(2)) dial_due();
    is_coming_back = 0;
    if (read(STDIN_FILENO, line, sizeof line) < 0) fail_system("read");
    printf("{\"event\": \"stayed\", \"lost\": %d, \"ready\": %d, \"returns\": %d, \"half\": %.3f, \"longest\": %.3f, "
           "\"busiest\": %d}\n",
           tally.lost, tally.ready, return_count, share_after(.5), share_after(1), busiest_second());
}

void come_back(double seconds, double seconds_to_answer) {
    long dials = 0;
    forget_tries();
    patience = seconds_to_answer;
    is_coming_back = 1;
    printf("{\"event\": \"watching\"}\n");
    for (double end = now() + seconds; now() < end && !are_back();) {
        pump(2);
        dial_due();
    }
    is_coming_back = 0;
    for (int i = 0; i < socket_count; i++) dials += sockets[i].tries;
    printf("{\"event\": \"back\", \"lost\": %d, \"back\": %d, \"dials\": %ld, \"half\": %.3f, \"seconds\": %.3f}\n", tally.lost,
           tally.ready, dials, share_back(.5), share_back(1));
}
