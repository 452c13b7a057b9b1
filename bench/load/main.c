/*
 * load: opens WebSockets to 127.0.0.1, keeps messages in flight, counts what is delivered.
 *
 * stdin, one line per socket, then the line `open`; the fields are separated by tabs:
 *     PATH  TEMPLATE  FRAME  ANSWER  FRAME  ANSWER ...  again  FRAME  ANSWER ...
 *   FRAME is sent after the handshake (an empty one is not); a text frame that holds ANSWER is waited for before the next one. A
 *   socket is ready when its last ANSWER has come. Those after the word `again` are for when it comes back. TEMPLATE is the
 *   message that this socket sends (empty: it only reads); `{cid}` becomes a fresh UUID and `{text}` becomes `T=<seconds>` and
 *   padding up to --size bytes. With several --port the sockets go to each in turn.
 * Then commands; end of file ends the program:
 *     run SECONDS WINDOW RATE MOST   send for so long, at most MOST messages (0: no end), and wait until all is delivered; WINDOW
 *                                    messages are kept in flight, or RATE are sent each second
 *     stay PATIENCE                  say "watching"; whoever is lost comes back, until the next line, whatever it says; then tell how
 *                                    long they were not served
 *     back SECONDS PATIENCE          say "watching", then wait so long until each socket was lost and is ready again; one that has no
 *                                    ANSWER after PATIENCE seconds is dialled again
 * stdout: one JSON object per line, for "ready" and for each command. stderr: the first few things that went wrong.
 *
 * A delivery is a text frame that holds --mark and `T=`. A text frame that holds --refused, or a lost socket, ends the run.
 * Each socket sends --beat now and then, if that is given. Nothing here waits without bound: see the limits in load.h.
 */
#include "load.h"

#include <limits.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#define COMMANDS UINT32_MAX /* epoll's tag of stdin */

Tally tally;
Socket sockets[MAX_SOCKETS];
int socket_count;
static Socket *senders[MAX_SOCKETS];
static int sender_count, poller;

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

void start(Socket *s) {
    if (dial(s)) watch(EPOLL_CTL_ADD, s->fd, EPOLLOUT, (uint32_t)(s - sockets));
}

/* Each ready socket in turn, so that all have had theirs after BEAT_SECONDS. */
static void beat(void) {
    static double last;
    static int next;
    double t = now();
    if (!*option.beat || !last) last = t;
    for (double each = (double)BEAT_SECONDS / socket_count; t - last >= each; last += each) {
        send_beat(&sockets[next]);
        next = (next + 1) % socket_count;
    }
}

static void handle(uint32_t tag) {
    Socket *s = &sockets[tag];
    if (s->state == CONNECTING) {
        watch(EPOLL_CTL_MOD, s->fd, EPOLLIN, tag);
        upgrade(s);
    } else if (s->state != GONE && s->state != WAITING)
        receive(s);
}

int pump(int wait) {
    struct epoll_event events[1024];
    int commanded = 0, n = epoll_wait(poller, events, 1024, wait);
    for (int i = 0; i < n; i++) {
        if (events[i].data.u32 == COMMANDS)
            commanded = 1;
        else
            handle(events[i].data.u32);
    }
    beat();
    return commanded;
}

static void dial_some(int *dialled) {
    while (*dialled < socket_count && *dialled - tally.ready - tally.gone < OPENING_AT_ONCE) start(&sockets[(*dialled)++]);
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

typedef struct {
    double seconds, rate;
    int window;
    long most;
} Order;

/* How many messages should have been sent by now. */
static long wanted(const Order *order, double start) {
    long most = order->most ? order->most : LONG_MAX;
    long by_now = order->rate > 0 ? (long)((now() - start) * order->rate) : tally.delivered / option.per_message + order->window;
    return by_now < most ? by_now : most;
}

static void send_wanted(const Order *order, double start) {
    while (tally.sent < wanted(order, start)) send_message(senders[tally.sent % sender_count]);
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

static int may_send(const Order *order, double end) {
    return now() < end && (!order->most || tally.sent < order->most);
}

/* Sends what is ordered, then waits for what is under way. */
static void run(const Order *order) {
    double start = now(), end = start + order->seconds;
    if (!sender_count) fail("no socket has a message to send");
    tally.sent = tally.delivered = tally.bytes = tally.samples = 0;
    tally.last_delivery = start;
    do {
        if (may_send(order, end)) send_wanted(order, start);
        pump(1);
    } while ((may_send(order, end) || is_under_way()) && !is_spoilt() && now() < end + RUN_EXTRA_SECONDS);
    end = tally.last_delivery;
    settle();
    report(end - start);
}

static void obey(void) {
    char line[128] = "";
    double seconds, patience;
    for (;;) {
        if (!pump(100)) continue;
        ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
        if (n <= 0) return;
        line[n] = 0;
        Order order = {0};
        if (sscanf(line, "run %lf %d %lf %ld", &order.seconds, &order.window, &order.rate, &order.most) == 4)
            run(&order);
        else if (sscanf(line, "back %lf %lf", &seconds, &patience) == 2)
            come_back(seconds, patience);
        else if (sscanf(line, "stay %lf", &patience) == 1)
            stay(patience);
        else
            fail("a command that nobody knows");
    }
}

/* The words up to `again` or the end; moves *rest behind them. */
static char **read_steps(char **rest) {
    char **steps = NULL, *word;
    int count = 0;
    do {
        word = strsep(rest, "\t");
        if (!(steps = realloc(steps, sizeof *steps * (size_t)(count + 1)))) fail_system("realloc");
        steps[count++] = word && strcmp(word, "again") ? word : NULL;
    } while (steps[count - 1]);
    return steps;
}

static void read_socket(Socket *s, char *line) {
    s->path = strsep(&line, "\t");
    s->template = strsep(&line, "\t");
    if (!s->template) fail("a socket needs a path and a message, which may be empty");
    s->steps = read_steps(&line);
    s->again = line ? read_steps(&line) : s->steps;
    s->port = option.ports[socket_count % option.port_count];
    if (*s->template) senders[sender_count++] = s;
}

static void read_sockets(void) {
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0 && strcmp(line, "open\n"); socket_count++) {
        if (socket_count == MAX_SOCKETS) fail("too many sockets");
        line[n - 1] = 0;
        read_socket(&sockets[socket_count], strdup(line));
    }
    free(line);
    if (!socket_count) fail("no sockets");
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
    signal(SIGPIPE, SIG_IGN); /* a write to a server that has gone fails, and says so */
    if ((poller = epoll_create1(0)) < 0) fail_system("epoll_create1");
    if (!(tally.latency = malloc(sizeof *tally.latency * MAX_SAMPLES))) fail_system("malloc");
    open_all();
    watch(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, COMMANDS);
    obey();
    return 0;
}
