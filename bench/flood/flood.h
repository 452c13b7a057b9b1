/* What the parts of the flood share: main.c steers, talk.c speaks WebSocket, ask.c asks over HTTP. */
#ifndef FLOOD_H
#define FLOOD_H
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

enum {
    MAX_PEERS = 10000,
    MAX_WORDS = 8,
    MAX_FRAME = 4096,  /* bytes of a frame or a request that we send */
    BUFFER = 1 << 16,  /* of what has come and is not understood yet */
    TENTH = 10,        /* each so many-th frame reads history */
    BURST = 10,        /* frames that a visitor says before they go */
};
#define AGAIN_SECONDS 0.01 /* before a connection that has ended is dialled again */

typedef enum { DOWN, CONNECTING, UPGRADING, WELCOMED, JOINED, READY, SAID, ASKED } State;
typedef enum { TALK, VISIT, ASK } Kind;

typedef struct {
    Kind kind;
    State state;
    int fd;
    char *words[MAX_WORDS]; /* of its line, see main.c */
    double dial_at;
    size_t length; /* of `in` */
    unsigned char *in;
} Peer;

typedef struct {
    long said, held, taken, pages, refused, visits, lost; /* frames; `held`: not said, because nobody reads */
    long asked, answered, put_off;                        /* requests; `put_off`: answered with 429 or 503 */
} Tally;

extern Tally tally;

/* main.c */
void fail(const char *what) __attribute__((noreturn));
void leave(Peer *p);                                    /* ends the connection; it is dialled again soon */
int has_room(const Peer *p);                            /* whether what we write now is taken */
void put(Peer *p, const void *data, size_t length);

/* talk.c */
void upgrade(Peer *p);
void hear(Peer *p);     /* what has come since */
int may_say(const Peer *p);
void say(Peer *p);      /* one frame, if there is room for it */

/* ask.c */
void ask(Peer *p);
void take_answer(Peer *p);

#endif
