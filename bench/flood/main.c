/*
 * flood: a tenant that sends, asks and comes without measure, to 127.0.0.1, and does not care what becomes of it.
 *
 *     flood --port PORT --api-port PORT --frames RATE --requests RATE
 *
 * stdin, one line per connection, its words separated by tabs:
 *     talk  HOST PATH PROTOCOL HELLO JOIN MESSAGE HISTORY   says frames, RATE a second with all others that talk: each tenth is
 *                                                           HISTORY, the others MESSAGE, where `{cid}` becomes a fresh UUID
 *     visit the same                                        comes, joins, says a few frames, goes, and comes again
 *     ask   HOST PATH TOKEN                                 asks over HTTP, RATE requests a second with all others that ask
 * then the line `begin`, then commands; end of file ends the program:
 *     flood SECONDS    for so long; what was said before is still answered meanwhile
 * stdout: one JSON object for each command, with what was counted.
 *
 * Where the server does not read a socket, its frames are not said; a connection that has ended is dialled again.
 */
#include "flood.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define COMMANDS UINT32_MAX /* epoll's tag of stdin */

Tally tally;
static int port, api_port; /* of sockets and of requests */
static double frames, requests; /* a second */
static Peer peers[MAX_PEERS];
static int peer_count, poller;

void fail(const char *what) {
    fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void watch(int operation, int fd, uint32_t events, uint32_t tag) {
    struct epoll_event event = {.events = events, .data.u32 = tag};
    if (epoll_ctl(poller, operation, fd, &event)) fail("epoll_ctl");
}

static void dial(Peer *p) {
    int yes = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(p->kind == ASK ? api_port : port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if ((p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) < 0) fail("socket");
    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    p->length = 0;
    p->state = CONNECTING;
    watch(EPOLL_CTL_ADD, p->fd, EPOLLOUT, (uint32_t)(p - peers));
    if (connect(p->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) leave(p);
}

void leave(Peer *p) {
    close(p->fd);
    p->state = DOWN;
    p->dial_at = now() + AGAIN_SECONDS;
}

int has_room(const Peer *p) {
    struct pollfd room = {.fd = p->fd, .events = POLLOUT};
    return poll(&room, 1, 0) == 1 && !(room.revents & (POLLERR | POLLHUP));
}

/* There was room for much more than this; where it is not so, the connection is of no use any more. */
void put(Peer *p, const void *data, size_t length) {
    if (write(p->fd, data, length) == (ssize_t)length) return;
    tally.lost++;
    leave(p);
}

static void receive(Peer *p) {
    ssize_t n = read(p->fd, p->in + p->length, BUFFER - 1 - p->length);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        tally.lost++;
        leave(p);
        return;
    }
    p->length += (size_t)n;
    if (p->kind == ASK)
        take_answer(p);
    else
        hear(p);
}

static void handle(Peer *p, uint32_t tag) {
    if (p->state == CONNECTING) {
        watch(EPOLL_CTL_MOD, p->fd, EPOLLIN, tag);
        if (p->kind == ASK)
            p->state = READY;
        else
            upgrade(p);
    } else if (p->state != DOWN)
        receive(p);
}

/* Whether stdin has something to say. */
static int pump(void) {
    struct epoll_event events[1024];
    int commanded = 0, n = epoll_wait(poller, events, 1024, 1);
    for (int i = 0; i < n; i++) {
        if (events[i].data.u32 == COMMANDS)
            commanded = 1;
        else
            handle(&peers[events[i].data.u32], events[i].data.u32);
    }
    return commanded;
}

static void dial_due(void) {
    double t = now();
    for (int i = 0; i < peer_count; i++)
        if (peers[i].state == DOWN && peers[i].dial_at <= t) dial(&peers[i]);
}

/* The next frames that are due, of those who may speak in turn; a frame whose turn comes to nobody is not made up for. */
static void say_due(long due) {
    static int next;
    static long done;
    if (due < done) done = 0; /* another flood */
    for (; done < due; done++) {
        for (int tried = 0; tried < peer_count; tried++) {
            Peer *p = &peers[next];
            next = (next + 1) % peer_count;
            if (!may_say(p)) continue;
            say(p);
            break;
        }
    }
}

static void ask_due(long due) {
    for (int i = 0; i < peer_count && tally.asked < due; i++)
        if (peers[i].kind == ASK && peers[i].state == READY) ask(&peers[i]);
}

static void flood(double seconds) {
    double start = now();
    memset(&tally, 0, sizeof tally);
    for (double gone; (gone = now() - start) < seconds;) {
        dial_due();
        say_due((long)(gone * frames));
        ask_due((long)(gone * requests));
        pump();
    }
    printf("{\"said\": %ld, \"held\": %ld, \"taken\": %ld, \"pages\": %ld, \"refused\": %ld, \"visits\": %ld, \"lost\": %ld, "
           "\"asked\": %ld, \"answered\": %ld, \"put_off\": %ld}\n",
           tally.said, tally.held, tally.taken, tally.pages, tally.refused, tally.visits, tally.lost, tally.asked, tally.answered,
           tally.put_off);
}

static void obey(void) {
    char line[128];
    double seconds;
    for (;;) {
        if (!pump()) continue;
        ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
        if (n <= 0) return;
        line[n] = 0;
        if (sscanf(line, "flood %lf", &seconds) != 1) fail("a command that nobody knows");
        flood(seconds);
    }
}

static Kind kind_of(const char *word) {
    if (!strcmp(word, "talk")) return TALK;
    if (!strcmp(word, "visit")) return VISIT;
    if (strcmp(word, "ask")) fail("a kind of connection that nobody knows");
    return ASK;
}

static void read_peers(void) {
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0 && strcmp(line, "begin\n");) {
        if (peer_count == MAX_PEERS) fail("too many connections");
        Peer *p = &peers[peer_count++];
        line[n - 1] = 0;
        char *rest = strdup(line);
        p->kind = kind_of(strsep(&rest, "\t"));
        for (int i = 0; i < MAX_WORDS; i++) p->words[i] = rest ? strsep(&rest, "\t") : "";
        if (!(p->in = malloc(BUFFER))) fail("malloc");
    }
    free(line);
}

static void read_options(int words, char **given) {
    static const struct option known[] = {
        {"port", 1, 0, 'p'}, {"api-port", 1, 0, 'a'}, {"frames", 1, 0, 'f'}, {"requests", 1, 0, 'r'}, {0}};
    for (int which; (which = getopt_long(words, given, "", known, NULL)) != -1;) {
        switch (which) {
        case 'p': port = atoi(optarg); break;
        case 'a': api_port = atoi(optarg); break;
        case 'f': frames = atof(optarg); break;
        case 'r': requests = atof(optarg); break;
        default: exit(2);
        }
    }
    if (port <= 0 || api_port <= 0) fail("--port and --api-port");
}

int main(int words, char **given) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0); /* what comes after `begin` is read by its descriptor */
    signal(SIGPIPE, SIG_IGN);
    read_options(words, given);
    read_peers();
    if ((poller = epoll_create1(0)) < 0) fail("epoll_create1");
    watch(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, COMMANDS);
    obey();
    return 0;
}
