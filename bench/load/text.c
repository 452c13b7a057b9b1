/* What is sent: the messages' text, ids and time stamps. */
#include "load.h"

#include <sys/random.h>
#include <time.h>

double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

/* splitmix64, seeded from the kernel: unique ids and masks, no secrets. */
uint64_t random64(void) {
    static uint64_t state;
    if (!state && getrandom(&state, sizeof state, 0) != sizeof state) fail_system("getrandom");
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int write_uuid(char *to) {
    uint64_t a = random64(), b = random64();
    return sprintf(to, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
                   (unsigned)(0x8000 | (b >> 48 & 0x3fff)), (unsigned long long)(b & 0xffffffffffffu));
}

static int write_text(char *to) {
    int n = sprintf(to, "T=%.6f ", now());
    for (; n < option.size; n++) to[n] = 'x';
    return n;
}

/* The template with its placeholders filled in. Returns its length. */
size_t fill(char *to, const char *template) {
    char *end = to;
    for (const char *p = template; *p;) {
        if (end - to > MAX_FRAME - option.size - 64) fail("a message is too long");
        if (!strncmp(p, "{cid}", 5)) {
            end += write_uuid(end);
            p += 5;
        } else if (!strncmp(p, "{text}", 6)) {
            end += write_text(end);
            p += 6;
        } else
            *end++ = *p++;
    }
    return (size_t)(end - to);
}
