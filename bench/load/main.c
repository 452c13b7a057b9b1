/*
 * load: opens WebSockets to 127.0.0.1, keeps messages in flight, counts what is delivered.
 *
 * stdin, one line per socket, then the line `open`; the fields are separated by tabs:
 *     PATH  TEMPLATE  FRAME  ANSWER  FRAME  ANSWER ...
 *   FRAME is sent after the handshake; a text frame that holds ANSWER is waited for before the next one. A socket is ready
 *   when its last ANSWER has come. TEMPLATE is the message that this socket sends (empty: it only reads); `{cid}` becomes a
 *   fresh UUID and `{text}` becomes `T=<seconds>` and padding up to --size bytes.
 * Then commands: `run SECONDS` sends for so long and waits until all is delivered; end of file ends the program.
 * stdout: one JSON object per line, for "ready" and for each run. stderr: the first few things that went wrong.
 *
 * A delivery is a text frame that holds --mark and `T=`. A text frame that holds --refused, or a lost socket, ends the run.
 * Nothing here waits without bound: see the limits in load.h.
 */
#include "load.h"

#include <getopt.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#define COMMANDS UINT32_MAX /* epoll's tag of stdin */

Options option = {
    .window = 1, .per_message = 1, .size = 64, .host = "localhost", .origin = "", .protocol = "", .mark = "T=", .refused = "",
};
Tally tally;
static Socket sockets[MAX_SOCKETS], *senders[MAX_SOCKETS];
static int socket_count, sender_count, poller;

void fail(const char *what) {
    fprintf(stderr, "load: %s\n", what);
    exit(1);
}

void fail_system(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

void trouble(const char *what, const void *detail, size_t length) {
    static int troubles;
    if (troubles++ < TROUBLES_TOLD)
        fprintf(stderr, "load: %s: %.*s\n", what, (int)(length > 200 ? 200 : length), (const char *)detail);
}

static void watch(int operation, int fd, uint32_t events, uint32_t tag) {
    struct epoll_event event = {.events = events, .data.u32 = tag};
    if (epoll_ctl(poller, operation, fd, &event)) fail_system("epoll_ctl");
}

/* Handles what has happened, waiting at most `wait` ms. Returns whether stdin has something to say. */
static int pump(int wait) {
    struct epoll_event events[1024];
    int commanded = 0, n = epoll_wait(poller, events, 1024, wait);
    for (int i = 0; i < n; i++) {
        uint32_t tag = events[i].data.u32;
        if (tag == COMMANDS)
            commanded = 1;
        else if (sockets[tag].state == CONNECTING) {
            watch(EPOLL_CTL_MOD, sockets[tag].fd, EPOLLIN, tag);
            upgrade(&sockets[tag]);
        } else if (sockets[tag].state != GONE)
            receive(&sockets[tag]);
    }
    return commanded;
}

static void dial_some(int *dialled) {
    while (*dialled < socket_count && *dialled - tally.ready - tally.gone < OPENING_AT_ONCE) {
        dial(&sockets[*dialled]);
        watch(EPOLL_CTL_ADD, sockets[*dialled].fd, EPOLLOUT, (uint32_t)*dialled);
        ++*dialled;
    }
}

static void open_all(void) {
    double start = now();
    for (int dialled = 0; tally.ready + tally.gone < socket_count && now() - start < OPEN_SECONDS && !tally.refused;) {
        dial_some(&dialled);
        pump(100);
    }
    printf("{\"event\": \"ready\", \"opened\": %d, \"failed\": %d, \"seconds\": %.3f}\n", tally.ready, socket_count - tally.ready,
           now() - start);
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double percentile(double share) {
    return tally.samples ? tally.latency[(long)((double)(tally.samples - 1) * share)] : 0;
}

static void report(double seconds) {
    qsort(tally.latency, (size_t)tally.samples, sizeof *tally.latency, compare);
    printf("{\"event\": \"ran\", \"sent\": %ld, \"delivered\": %ld, \"expected\": %ld, \"bytes\": %ld, \"refused\": %ld, \"gone\": %d, "
           "\"seconds\": %.4f, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f}\n",
           tally.sent, tally.delivered, tally.sent * option.per_message, tally.bytes, tally.refused, tally.gone,
           seconds, percentile(.5), percentile(.99), percentile(1));
}

static void fill_window(void) {
    while (tally.sent - tally.delivered / option.per_message < option.window) send_message(senders[tally.sent % sender_count]);
}

static int is_under_way(void) {
    return tally.delivered < tally.sent * option.per_message;
}

static int is_spoilt(void) {
    return tally.refused || tally.gone || now() - tally.last_delivery > STALL_SECONDS;
}

/* Counts what comes beyond what was expected: a doubled delivery must not stand in for one that is still to come. */
static void settle(void) {
    for (double end = now() + SETTLE_SECONDS; now() < end;) pump(10);
}

/* Keeps the window full for `seconds`, then waits for what is under way. */
static void run(double seconds) {
    double start = now(), end = start + seconds;
    tally.sent = tally.delivered = tally.bytes = tally.samples = 0;
    tally.last_delivery = start;
    do {
        if (now() < end) fill_window();
        pump(1);
    } while ((now() < end || is_under_way()) && !is_spoilt() && now() < end + RUN_EXTRA_SECONDS);
    end = tally.last_delivery;
    settle();
    report(end - start);
}

static void obey(void) {
    char line[64] = "";
    for (;;) {
        if (!pump(1000)) continue;
        ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
        if (n <= 0) return;
        line[n] = 0;
        if (!strncmp(line, "run ", 4)) run(atof(line + 4));
    }
}

static void read_sockets(void) {
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0 && strcmp(line, "open\n");) {
        if (socket_count == MAX_SOCKETS) fail("too many sockets");
        Socket *s = &sockets[socket_count];
        line[n - 1] = 0;
        s->steps = strdup(line);
        s->path = strsep(&s->steps, "\t");
        s->template = strsep(&s->steps, "\t");
        if (!s->template) fail("a socket needs a path and a message, which may be empty");
        if (*s->template) senders[sender_count++] = s;
        socket_count++;
    }
    free(line);
    if (!sender_count) fail("no socket has a message to send");
}

enum { PORT, HOST, ORIGIN, PROTOCOL, MARK, REFUSED, WINDOW, PER_MESSAGE, SIZE };

static const struct option known[] = {
    {"port", 1, 0, PORT}, {"host", 1, 0, HOST},       {"origin", 1, 0, ORIGIN}, {"protocol", 1, 0, PROTOCOL},       {"mark", 1, 0, MARK},
    {"size", 1, 0, SIZE}, {"refused", 1, 0, REFUSED}, {"window", 1, 0, WINDOW}, {"per-message", 1, 0, PER_MESSAGE}, {0},
};

static void take_option(int which) {
    const char **texts[] = {[HOST] = &option.host, [ORIGIN] = &option.origin,
                            [PROTOCOL] = &option.protocol, [MARK] = &option.mark, [REFUSED] = &option.refused};
    int *numbers[] = {[PORT] = &option.port, [WINDOW] = &option.window, [PER_MESSAGE] = &option.per_message, [SIZE] = &option.size};
    if (which >= HOST && which <= REFUSED)
        *texts[which] = optarg;
    else
        *numbers[which] = atoi(optarg);
}

static void read_options(int count, char **words) {
    for (int which; (which = getopt_long(count, words, "", known, NULL)) != -1;) {
        if (which == '?') exit(2);
        take_option(which);
    }
    if (option.port <= 0 || option.window <= 0 || option.per_message <= 0 || option.size < 24 || option.size > 4000)
        fail("--port, --window, --per-message and --size must be given and sensible");
}

static void allow_many_files(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int count, char **words) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    read_options(count, words);
    read_sockets();
    allow_many_files();
    if ((poller = epoll_create1(0)) < 0) fail_system("epoll_create1");
    if (!(tally.latency = malloc(sizeof *tally.latency * MAX_SAMPLES))) fail_system("malloc");
    open_all();
    watch(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, COMMANDS);
    obey();
    return 0;
}
