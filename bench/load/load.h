/* What the parts of the load generator share: main.c steers, socket.c speaks WebSocket, text.c makes what is sent. */
#ifndef LOAD_H
#define LOAD_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETTLE_SECONDS 0.2

enum {
    MAX_SOCKETS = 20000,
    MAX_FRAME = 8192,       /* bytes of a frame that we send */
    MAX_BUFFER = 1 << 20,   /* bytes that one socket may hold unread */
    MAX_SAMPLES = 4000000,  /* latencies kept; later deliveries are counted, not timed */
    OPENING_AT_ONCE = 40,   /* below the listen backlog of every server measured */
    OPEN_SECONDS = 60,      /* for all sockets to become ready */
    STALL_SECONDS = 10,     /* without one delivery, a run ends */
    RUN_EXTRA_SECONDS = 60, /* for what is in flight when a run's time is over */
    TROUBLES_TOLD = 5,
};

typedef enum { UNUSED, CONNECTING, UPGRADING, GREETING, READY, GONE } State;

typedef struct {
    int fd;
    State state;
    char *path;
    char *template; /* of the messages it sends; empty: a reader */
    char *steps;    /* what is left of FRAME ANSWER FRAME ANSWER ... */
    char *awaited;  /* the ANSWER to the last FRAME */
    unsigned char *in;
    size_t length, room; /* of `in`: used, allocated */
} Socket;

typedef struct {
    int port, window, per_message, size;
    const char *host, *origin, *protocol, *mark, *refused;
} Options;

typedef struct {
    int ready, gone;
    long sent, delivered, bytes, refused, samples; /* bytes: of the payloads delivered */
    double last_delivery;
    float *latency; /* milliseconds, MAX_SAMPLES of them */
} Tally;

extern Options option;
extern Tally tally;

/* main.c */
void fail(const char *what) __attribute__((noreturn));
void fail_system(const char *what) __attribute__((noreturn));      /* with what errno says */
void trouble(const char *what, const void *detail, size_t length); /* told on stderr, the first few times */

/* socket.c */
void dial(Socket *s);         /* begins a connection; its socket is to be watched for writing */
void upgrade(Socket *s);      /* it is connected: asks for the WebSocket; to be watched for reading */
void receive(Socket *s);      /* it is readable: answers, steps and counts */
void send_message(Socket *s); /* its template, filled in */

/* text.c */
double now(void);                            /* seconds */
uint64_t random64(void);                     /* for ids and masks; no secret */
size_t fill(char *to, const char *template); /* `{cid}` and `{text}` filled in, at most MAX_FRAME bytes; returns the length */

#endif
