/* What is sent: the messages' text, ids and time stamps. */
#include "load.h"

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
