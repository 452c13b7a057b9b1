/* What the programs of load/, web_load/ and flood/ read the time from, and draw numbers with. */
#ifndef CLOCK_AND_DICE_H
#define CLOCK_AND_DICE_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

/* Seconds, of a clock that nobody sets. */
static inline double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

/* splitmix64, seeded from the kernel in each file that draws: unique ids and masks, no secrets. */
static inline uint64_t random64(void) {
    static uint64_t state;
    if (!state && getrandom(&state, sizeof state, 0) != sizeof state) {
        perror("getrandom");
        exit(1);
    }
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

#endif
