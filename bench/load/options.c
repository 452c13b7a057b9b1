/* What is wanted, from the command line. */
#include "load.h"

#include <getopt.h>

Options option = {
    .per_message = 1, .size = 64, .host = "localhost", .origin = "", .protocol = "", .mark = "T=", .refused = "", .beat = "",
};

enum { PORT, HOST, ORIGIN, PROTOCOL, MARK, REFUSED, BEAT, PER_MESSAGE, SIZE };

static const struct option known[] = {
    {"port", 1, 0, PORT},       {"host", 1, 0, HOST}, {"origin", 1, 0, ORIGIN}, {"protocol", 1, 0, PROTOCOL},       {"mark", 1, 0, MARK},
    {"refused", 1, 0, REFUSED}, {"beat", 1, 0, BEAT}, {"size", 1, 0, SIZE},     {"per-message", 1, 0, PER_MESSAGE}, {0},
};

static void take_port(int port) {
    if (port <= 0 || option.port_count == MAX_PORTS) fail("--port is a port, and may be given a few times");
    option.ports[option.port_count++] = port;
}

static void take_option(int which) {
    const char **texts[] = {[HOST] = &option.host, [ORIGIN] = &option.origin,   [PROTOCOL] = &option.protocol,
                            [MARK] = &option.mark, [REFUSED] = &option.refused, [BEAT] = &option.beat};
    int *numbers[] = {[PER_MESSAGE] = &option.per_message, [SIZE] = &option.size};
    if (which == PORT)
        take_port(atoi(optarg));
    else if (which <= BEAT)
        *texts[which] = optarg;
    else
        *numbers[which] = atoi(optarg);
}

void read_options(int count, char **words) {
    for (int which; (which = getopt_long(count, words, "", known, NULL)) != -1;) {
        if (which == '?') exit(2);
        take_option(which);
    }
    if (!option.port_count || option.per_message <= 0 || option.size < 24 || option.size > 4000)
        fail("--port, --per-message and --size must be given and sensible");
}
