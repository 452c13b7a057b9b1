/*
 * web_load: so many connections to 127.0.0.1, each with one GET after another, and what came of them.
 *
 *     web_load --port PORT --host HOST --path PATH --connections N --seconds S [--warm-up S]
 *
 * Prints one JSON object. An answer counts when it is a 200 whose body has come whole, as its Content-Length says. A connection
 * that the server closes is opened again and counted in `closed`; any other answer ends the program, which says what it was.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "clock_and_dice.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 10000, BUFFER = 1 << 16, MAX_SAMPLES = 4000000 };

typedef struct {
    int fd, is_open;
    size_t length; /* of what has come of the answer */
    double asked;
    char in[BUFFER];
} Connection;

static int port, count;
static double seconds, warm_up;
static const char *host = "localhost", *path = "/";
static char request[2048];
static size_t request_length;
static Connection *connections;
static int poller;
static long answers, closed, samples;
static float *latency; /* milliseconds */

static void fail(const char *what) {
    fprintf(stderr, "web_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void dial(Connection *c) {
    int yes = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLOUT, .data.u32 = (uint32_t)(c - connections)};
    c->is_open = 0;
    c->length = 0;
    if ((c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) < 0) fail("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) fail("connect");
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event)) fail("epoll_ctl");
}

static void dial_again(Connection *c) {
    closed++;
    close(c->fd);
    dial(c);
}

static void ask(Connection *c) {
    c->length = 0;
    c->asked = now();
    if (write(c->fd, request, request_length) != (ssize_t)request_length) dial_again(c);
}

/* The length of the whole answer; 0 while its head has not come. */
static size_t answer_length(const Connection *c) {
    const char *end = memmem(c->in, c->length, "\r\n\r\n", 4), *said;
    if (!end) return 0;
    said = strcasestr(c->in, "\r\nContent-Length:");
    if (strncmp(c->in, "HTTP/1.1 200", 12) || !said || said > end) {
        fprintf(stderr, "web_load: not an answer to count: %.300s\n", c->in);
        exit(1);
    }
    return (size_t)(end + 4 - c->in) + (size_t)atol(said + 17);
}

static void take_answer(Connection *c) {
    if (samples < MAX_SAMPLES) latency[samples++] = (float)((now() - c->asked) * 1e3);
    answers++;
    ask(c);
}

static void receive(Connection *c) {
    ssize_t n = read(c->fd, c->in + c->length, BUFFER - 1 - c->length);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        dial_again(c);
        return;
    }
    c->length += (size_t)n;
    c->in[c->length] = 0;
    size_t whole = answer_length(c);
    if (whole >= BUFFER) fail("the answer is too long");
    if (whole && c->length >= whole) take_answer(c);
}

static void handle(Connection *c, uint32_t tag) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = tag};
    if (c->is_open) {
        receive(c);
        return;
    }
    c->is_open = 1;
    if (epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event)) fail("epoll_ctl");
    ask(c);
}

static void serve_for(double time) {
    struct epoll_event events[1024];
    for (double end = now() + time; now() < end;) {
        int n = epoll_wait(poller, events, 1024, 10);
        for (int i = 0; i < n; i++) handle(&connections[events[i].data.u32], events[i].data.u32);
    }
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double percentile(double share) {
    return samples ? latency[(long)((double)(samples - 1) * share)] : 0;
}

static void read_options(int words, char **given) {
    static const struct option known[] = {{"port", 1, 0, 'p'},        {"host", 1, 0, 'h'},    {"path", 1, 0, 'u'},
                                          {"connections", 1, 0, 'c'}, {"seconds", 1, 0, 's'}, {"warm-up", 1, 0, 'w'}, {0}};
    for (int which; (which = getopt_long(words, given, "", known, NULL)) != -1;) {
        switch (which) {
        case 'p': port = atoi(optarg); break;
        case 'h': host = optarg; break;
        case 'u': path = optarg; break;
        case 'c': count = atoi(optarg); break;
        case 's': seconds = atof(optarg); break;
        case 'w': warm_up = atof(optarg); break;
        default: exit(2);
        }
    }
    if (port <= 0 || count <= 0 || count > MAX_CONNECTIONS || seconds <= 0) fail("--port, --connections and --seconds");
}

int main(int words, char **given) {
    signal(SIGPIPE, SIG_IGN);
    read_options(words, given);
    request_length = (size_t)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: */*\r\n\r\n", path, host);
    connections = calloc((size_t)count, sizeof *connections);
    latency = malloc(sizeof *latency * MAX_SAMPLES);
    if (!connections || !latency || request_length >= sizeof request) fail("memory");
    if ((poller = epoll_create1(0)) < 0) fail("epoll_create1");
    for (int i = 0; i < count; i++) dial(&connections[i]);
    serve_for(warm_up);
    answers = closed = samples = 0;
    double start = now();
    serve_for(seconds);
    double took = now() - start;
    qsort(latency, (size_t)samples, sizeof *latency, compare);
    printf("{\"answers\": %ld, \"closed\": %ld, \"seconds\": %.4f, \"p50_ms\": %.2f, \"p99_ms\": %.2f}\n", answers, closed, took,
           percentile(.5), percentile(.99));
    return 0;
}
