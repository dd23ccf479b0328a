/* sim - worlds around the engine.
 *   sim --seed N [--trace]     one world; the trace goes to standard output
 *   sim --seeds FILE           one world for each number in the file ('#' starts a comment)
 *   sim --seconds S [--from N] fresh worlds for S seconds
 * The last line is "<passed> passed, <failed> failed". Exit 1 when a world failed. */
#include "sim.h"

#include "base/log.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

struct tally {
    uint64_t passed, failed, events;
};

static void drop_line(void *ctx, ea_level level, const char *line, size_t n)
{
    (void)ctx;
    (void)level;
    (void)line;
    (void)n;
}

static void print_line(void *ctx, ea_level level, const char *line, size_t n)
{
    (void)level;
    (void)fwrite("             ", 1, 13, ctx);
    (void)fwrite(line, 1, n, ctx);
}

static void quiet(void)
{
    static const ea_log_config config = { .level = EA_CRIT, .sink = drop_line };

    ea_log_configure(&config);
}

static void loud(FILE *to)
{
    const ea_log_config config = { .level = EA_DEBUG, .sink = print_line, .ctx = to };

    ea_log_configure(&config);
}

/* The same world again, for its last lines. */
static void print_end_of_trace(uint64_t seed)
{
    enum {
        TAIL_BYTES = 8000
    };
    char why[SIM_TEXT], buf[TAIL_BYTES];
    uint64_t events = 0;
    FILE *f = tmpfile();

    if (!f)
        return;
    loud(f);
    (void)sim_world(seed, f, why, &events);
    quiet();
    long size = ftell(f);
    (void)fseek(f, size > TAIL_BYTES ? size - TAIL_BYTES : 0, SEEK_SET);
    size_t n = fread(buf, 1, sizeof(buf), f);
    (void)fwrite(buf, 1, n, stdout);
    (void)fclose(f);
}

static void one(uint64_t seed, bool trace, struct tally *t)
{
    char why[SIM_TEXT];
    uint64_t events = 0;

    if (trace)
        loud(stdout);
    bool good = sim_world(seed, trace ? stdout : NULL, why, &events);
    t->events += events;
    if (good) {
        t->passed++;
        return;
    }
    t->failed++;
    if (!trace)
        print_end_of_trace(seed);
    (void)printf(
        "world %llu failed: %s\n  replay: build/out/linux/tests/sim/sim --seed %llu --trace\n",
        (unsigned long long)seed, why, (unsigned long long)seed);
}

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 0);
}

static bool from_file(const char *path, struct tally *t)
{
    FILE *f = fopen(path, "r");
    char line[256];

    if (!f) {
        (void)printf("cannot read %s\n", path);
        return false;
    }
    while (fgets(line, sizeof(line), f)) {
        char *end = NULL;
        uint64_t seed = strtoull(line, &end, 0);

        if (end != line)
            one(seed, false, t);
    }
    (void)fclose(f);
    return true;
}

static void for_seconds(double seconds, uint64_t from, struct tally *t)
{
    int64_t end = ea_now().mono_ms + (int64_t)(seconds * 1000);

    while (ea_now().mono_ms < end && t->failed < 5)
        one(from++, false, t);
}

int main(int argc, char **argv)
{
    struct tally t = { 0 };
    bool trace = false, good = true;
    const char *seed = NULL, *file = NULL, *seconds = NULL;
    uint64_t from = (uint64_t)ea_now().wall_ms * 1000;

    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--trace") == 0)
            trace = true;
        else if (strcmp(argv[i], "--seed") == 0 && ++i)
            seed = next;
        else if (strcmp(argv[i], "--seeds") == 0 && ++i)
            file = next;
        else if (strcmp(argv[i], "--seconds") == 0 && ++i)
            seconds = next;
        else if (strcmp(argv[i], "--from") == 0 && ++i)
            from = number(next);
    }
    quiet();
    if (seed)
        one(number(seed), trace, &t);
    if (file)
        good = from_file(file, &t);
    if (seconds)
        for_seconds(strtod(seconds, NULL), from, &t);
    (void)printf("sim: %llu events; %llu passed, %llu failed\n", (unsigned long long)t.events,
                 (unsigned long long)t.passed, (unsigned long long)t.failed);
    return good && t.failed == 0 && t.passed > 0 ? 0 : 1;
}
