/* What the parts of the load generator share: main.c steers, options.c reads what is wanted, socket.c speaks WebSocket,
 * text.c makes what is sent, back.c brings lost sockets back. */
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

#include "clock_and_dice.h"

#define SETTLE_SECONDS 0.2

enum {
    MAX_SOCKETS = 40000,
    MAX_PORTS = 8,
    ADDRESSES = 8,          /* the sockets come from 127.0.0.1 to 127.0.0.8: one address has too few ports for all */
    MAX_FRAME = 8192,       /* bytes of a frame that we send */
    MAX_BUFFER = 1 << 20,   /* bytes that one socket may hold unread */
    MAX_SAMPLES = 4000000,  /* latencies kept; later deliveries are counted, not timed */
    MAX_RETURNS = 200000,   /* that are timed while sockets stay */
    OPENING_AT_ONCE = 40,   /* below the listen backlog of every server measured */
    OPEN_SECONDS = 180,     /* for all sockets to become ready */
    BEAT_SECONDS = 20,      /* between two frames of --beat on one socket */
    STALL_SECONDS = 10,     /* without one delivery, a run ends */
    RUN_EXTRA_SECONDS = 60, /* for what is in flight when a run's time is over */
    TROUBLES_TOLD = 5,
};

typedef enum { UNUSED, CONNECTING, UPGRADING, GREETING, READY, WAITING, GONE } State;

typedef struct {
    int fd, port;
    State state;
    char *path;
    char *template; /* of the messages it sends; empty: a reader */
    char **steps;   /* FRAME ANSWER FRAME ANSWER ... NULL, from the next one on */
    char **again;   /* the same from its beginning, for when it comes back */
    char *awaited;  /* the ANSWER to the last FRAME */
    unsigned char *in;
    size_t length, room; /* of `in`: used, allocated */
    int answers;         /* to its first frames, since it was dialled */
    double pause;        /* seconds to wait before it comes back, as the server's `bye` said; negative: it said nothing */
    double dial_at;      /* when it comes back, or came */
    double ready_at;     /* when its last first answer came */
    double lost_at;      /* since when it is not served; 0: it is, or never was */
    int tries, was_lost;
} Socket;

typedef struct {
    int ports[MAX_PORTS], port_count, per_message, size;
    const char *host, *origin, *protocol, *mark, *refused, *beat;
} Options;

typedef struct {
    int ready, gone, lost; /* lost: those that are to come back */
    long sent, delivered, bytes, refused, samples; /* bytes: of the payloads delivered */
    double last_delivery;
    float *latency; /* milliseconds, MAX_SAMPLES of them */
} Tally;

extern Options option;
extern Tally tally;
extern Socket sockets[MAX_SOCKETS];
extern int socket_count;

/* main.c */
void fail(const char *what) __attribute__((noreturn));
void fail_system(const char *what) __attribute__((noreturn));      /* with what errno says */
void trouble(const char *what, const void *detail, size_t length); /* told on stderr, the first few times */
void start(Socket *s);                                             /* dials, and watches what becomes of it */
int pump(int wait); /* handles what has happened, waiting at most `wait` ms; whether stdin has something to say */

/* options.c */
void read_options(int count, char **words);

/* back.c */
void hear_bye(Socket *s, const unsigned char *text, size_t length); /* notes how long the server asks to wait */
int comes_back(Socket *s);      /* it was lost: whether it is to be dialled again */
void came_back(Socket *s);      /* it is served again, if it was lost */
/* whoever is lost comes back, until stdin has a line; reports how long each was not served, and how many came in one second */
void stay(double seconds_to_answer);
/* waits until every socket was lost and is ready again, and reports; each is dialled again after so long without an answer */
void come_back(double seconds, double seconds_to_answer);

/* socket.c */
void lose(Socket *s);         /* it has ended, or is to end */
int dial(Socket *s);          /* begins a connection; returns whether its socket is to be watched for writing */
void upgrade(Socket *s);      /* it is connected: asks for the WebSocket; to be watched for reading */
void receive(Socket *s);      /* it is readable: answers, steps and counts */
void send_message(Socket *s); /* its template, filled in */
void send_beat(Socket *s);    /* --beat, if it is ready */

/* text.c */
size_t fill(char *to, const char *template); /* `{cid}` and `{text}` filled in, at most MAX_FRAME bytes; returns the length */

#endif
