/* sim - worlds around the engine.
 *   sim --seed N [--tasks MASK] [--faults LIST] [--trace]   one world, or the part of it that a shrunk
 *                              failure named; the trace goes to standard output
 *   sim --seeds FILE           one world for each line: a seed, or the arguments of a shrunk one ('#'
 *                              starts a comment)
 *   sim [--seconds S] [--worlds N] [--from N]   fresh worlds for S seconds, N worlds, or whichever comes first
 *   --stop-at-first            no further worlds after a failure, and no shrinking
 * The last line is "sim: <counts>; <passed> passed, <failed> failed". Exit 1 when a world failed. */
#include "sim.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum {
    TRACE_BYTES = 12000,
    FAULTS_TEXT = 4096
};

struct tally {
    uint64_t passed, failed, events, first_failed;
    int64_t simulated_ms, began_ms;
    bool trace, first_only;
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

/* The same world again, for its trace; of a long one the end. */
static void print_trace(const struct spec *spec)
{
    char buf[TRACE_BYTES];
    struct outcome out;
    FILE *f = tmpfile();

    if (!f)
        return;
    loud(f);
    (void)sim_world(spec, f, &out);
    quiet();
    long size = ftell(f);
    (void)fseek(f, size > TRACE_BYTES ? size - TRACE_BYTES : 0, SEEK_SET);
    size_t n = fread(buf, 1, sizeof(buf), f);
    (void)fwrite(buf, 1, n, stdout);
    (void)fclose(f);
}

/* "3-5,9" and back. */
static size_t read_list(const char *text, uint32_t **out)
{
    uint32_t *v = NULL;
    size_t n = 0;

    while (*text && *text != '\n' && *text != '#') {
        char *end = NULL;
        unsigned long first = strtoul(text, &end, 10), last = first;

        if (end == text)
            break;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (; first <= last; first++) {
            v = ea_realloc_array(v, n + 1, sizeof(*v));
            v[n++] = (uint32_t)first;
        }
        text = *end == ',' ? end + 1 : end;
        if (*end != ',')
            break;
    }
    *out = v ? v : ea_alloc_array(1, sizeof(*v));
    return n;
}

static void print_spec(const struct spec *spec)
{
    (void)printf("--seed %llu", (unsigned long long)spec->seed);
    if (spec->tasks)
        (void)printf(" --tasks 0x%x", spec->tasks);
    if (spec->faults) {
        (void)printf(" --faults %s", spec->faults_n ? "" : "0");
        for (size_t i = 0; i < spec->faults_n; i++) {
            size_t j = i;

            while (j + 1 < spec->faults_n && spec->faults[j + 1] == spec->faults[j] + 1)
                j++;
            (void)printf("%s%u", i ? "," : "", spec->faults[i]);
            if (j > i)
                (void)printf("-%u", spec->faults[j]);
            i = j;
        }
    }
}

static void tell_failure(struct tally *t, const struct spec *spec, const char *why)
{
    struct spec least = *spec;

    if (!t->first_only && !spec->faults)
        sim_shrink(spec->seed, why, &least);
    if (!t->trace && !t->first_only)
        print_trace(&least);
    (void)printf("world %llu failed: %s\n  again: build/out/linux/tests/sim/sim ",
                 (unsigned long long)spec->seed, why);
    print_spec(&least);
    (void)printf(" --trace\n");
    (void)fflush(stdout);
    if (least.faults != spec->faults)
        ea_free((void *)(uintptr_t)least.faults);
}

static void one(const struct spec *spec, struct tally *t)
{
    struct outcome out = { 0 };

    if (t->trace)
        loud(stdout);
    bool good = sim_world(spec, t->trace ? stdout : NULL, &out);
    quiet();
    t->events += out.events;
    t->simulated_ms += out.simulated_ms;
    if (good) {
        t->passed++;
        return;
    }
    if (t->failed++ == 0)
        t->first_failed = spec->seed;
    tell_failure(t, spec, out.why);
}

/* The arguments of one world, as a failure prints them; a bare number is a seed. */
static bool read_spec(const char *text, struct spec *spec)
{
    const char *seed = strstr(text, "--seed "), *tasks = strstr(text, "--tasks ");
    const char *faults = strstr(text, "--faults ");
    const char *at = seed ? seed + strlen("--seed ") : text;
    char *end = NULL;
    uint32_t *list = NULL;

    *spec = (struct spec){ .seed = strtoull(at, &end, 0) };
    if (end == at)
        return false;
    if (tasks)
        spec->tasks = (unsigned)strtoul(tasks + strlen("--tasks "), NULL, 0);
    if (faults) {
        spec->faults_n = read_list(faults + strlen("--faults "), &list);
        spec->faults = list;
    }
    return true;
}

static void free_spec(struct spec *spec)
{
    ea_free((void *)(uintptr_t)spec->faults);
}

static bool from_file(const char *path, struct tally *t)
{
    FILE *f = fopen(path, "r");
    char line[FAULTS_TEXT];

    if (!f) {
        (void)printf("cannot read %s\n", path);
        return false;
    }
    while (fgets(line, sizeof(line), f)) {
        struct spec spec;
        char *comment = strchr(line, '#');

        if (comment)
            *comment = '\0';
        if (!read_spec(line, &spec))
            continue;
        one(&spec, t);
        free_spec(&spec);
    }
    (void)fclose(f);
    return true;
}

/* `seconds` NULL: no limit but the number. */
static void fresh_worlds(const char *seconds, uint64_t worlds, uint64_t from, struct tally *t)
{
    int64_t ms = seconds ? (int64_t)(strtod(seconds, NULL) * 1000) : INT64_MAX / 2;
    int64_t end = ea_now().mono_ms + ms;
    uint64_t most = t->first_only ? 1 : 5;

    while (ea_now().mono_ms < end && t->failed < most && worlds-- > 0) {
        const struct spec spec = { .seed = from++ };

        one(&spec, t);
    }
}

static void print_counts(const struct tally *t)
{
    int64_t ms = ea_now().mono_ms - t->began_ms;
    double seconds = ms > 0 ? (double)ms / 1000.0 : 0.001;
    uint64_t worlds = t->passed + t->failed;

    if (t->failed)
        (void)printf("first failed: %llu\n", (unsigned long long)t->first_failed);
    (void)printf(
        "sim: %llu worlds, %.0f worlds/s, %llu events, %.0f events/s, %.1f simulated days a "
        "minute; %llu passed, %llu failed\n",
        (unsigned long long)worlds, (double)worlds / seconds, (unsigned long long)t->events,
        (double)t->events / seconds, (double)t->simulated_ms / 86400000.0 * 60.0 / seconds,
        (unsigned long long)t->passed, (unsigned long long)t->failed);
}

int main(int argc, char **argv)
{
    struct tally t = { .began_ms = ea_now().mono_ms };
    bool good = true;
    const char *seed = NULL, *file = NULL, *seconds = NULL, *tasks = NULL, *faults = NULL;
    uint64_t from = (uint64_t)ea_now().wall_ms * 1000, worlds = UINT64_MAX;

    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--trace") == 0)
            t.trace = true;
        else if (strcmp(argv[i], "--stop-at-first") == 0)
            t.first_only = true;
        else if (strcmp(argv[i], "--seed") == 0 && ++i)
            seed = next;
        else if (strcmp(argv[i], "--tasks") == 0 && ++i)
            tasks = next;
        else if (strcmp(argv[i], "--faults") == 0 && ++i)
            faults = next;
        else if (strcmp(argv[i], "--seeds") == 0 && ++i)
            file = next;
        else if (strcmp(argv[i], "--seconds") == 0 && ++i)
            seconds = next;
        else if (strcmp(argv[i], "--worlds") == 0 && ++i)
            worlds = strtoull(next, NULL, 0);
        else if (strcmp(argv[i], "--from") == 0 && ++i)
            from = strtoull(next, NULL, 0);
    }
    quiet();
    if (seed) {
        struct spec spec = { .seed = strtoull(seed, NULL, 0) };
        uint32_t *list = NULL;

        spec.tasks = tasks ? (unsigned)strtoul(tasks, NULL, 0) : 0;
        if (faults)
            spec.faults_n = read_list(faults, &list);
        spec.faults = list;
        one(&spec, &t);
        free_spec(&spec);
    }
    if (file)
        good = from_file(file, &t);
    if (seconds || worlds != UINT64_MAX)
        fresh_worlds(seconds, worlds, from, &t);
    print_counts(&t);
    return good && t.failed == 0 && t.passed > 0 ? 0 : 1;
}
