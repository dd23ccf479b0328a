/* sim-store - the real store on a disk that fails; one seed, one world.
 *   sim-store --seed N [--trace]
 *   sim-store --seeds FILE
 *   sim-store --seconds S [--from N]
 * A world is a row of lives of an agent: transactions, failing calls, and a crash at a chosen call of
 * SQLite to its disk. After each crash all that was committed is there and whole, and what was not is
 * absent. The last line is "sim-store: <counts>; <passed> passed, <failed> failed". */
#include "disk.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "plat/plat.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ARNS = 24,
    KEYS = 4,
    BIG = 40000,
    CHANGES = 6, /* of one transaction at most */
    DOUBTS = 64
};

/* What the tables should hold; the value's text follows from its number. */
struct tables {
    uint32_t task[ARNS], key[KEYS]; /* 0: absent */
};

struct change {
    size_t at; /* a task, or behind those a key */
    uint32_t value;
};

struct world {
    ea_rng rng;
    FILE *trace;
    const char *path;
    struct tables committed;
    /* A commit that failed may have happened all the same, as a whole (its last sync failed, say): what
     * the tables hold then instead, until a look tells which it is. */
    struct tables doubtful[DOUBTS];
    size_t doubts;
    struct change changes[CHANGES];
    size_t n_changes;
    uint32_t values;
    ea_store *store;
    char why[512];
    bool failed;
    uint64_t transactions, crashes;
};

static void fail(struct world *w, const char *what, const char *detail)
{
    if (w->failed)
        return;
    w->failed = true;
    (void)snprintf(w->why, sizeof(w->why), "%s: %s", what, detail);
}

static uint64_t below(struct world *w, uint64_t n)
{
    return ea_rng_below(&w->rng, n);
}

/* A value: its number, then filling that also follows from it. Large ones take many pages. */
static char *text_of(uint32_t value)
{
    size_t n = value % 7 == 0 ? BIG : 40 + value % 900;
    char *out = ea_alloc_array(n + 1, 1);
    int head = snprintf(out, n, "{\"value\":\"%u\",\"fill\":\"", value);

    for (size_t i = (size_t)head; i < n; i++)
        out[i] = (char)('a' + (value + i) % 26);
    memcpy(out + n - 2, "\"}", 2);
    out[n] = '\0';
    return out;
}

static uint32_t value_of(const char *text)
{
    const char *head = "{\"value\":\"";
    EA_FREE_AUTO char *same = NULL;

    if (strncmp(text, head, strlen(head)) != 0)
        return UINT32_MAX;
    uint32_t value = (uint32_t)strtoul(text + strlen(head), NULL, 10);
    same = text_of(value);
    return strcmp(text, same) == 0 ? value : UINT32_MAX;
}

/* --- looking ---------------------------------------------------------------------------------- */

static ea_code see(void *ctx, const char *arn, ea_str json, ea_err *err)
{
    struct tables *t = ctx;
    EA_FREE_AUTO char *text = ea_str_dup(json);
    uint64_t i = 0;
    ea_str number = ea_str_of(arn);

    if (!ea_str_starts(number, "arn:"))
        return ea_fail(err, EA_INVALID, "a row of nobody: %.60s", arn);
    number.p += 4;
    number.n -= 4;
    if (ea_str_to_u64(number, 0, ARNS - 1, &i, err))
        return err->code;
    if (t->task[i])
        return ea_fail(err, EA_INVALID, "%s is there twice", arn);
    t->task[i] = value_of(text);
    return EA_OK;
}

static ea_code look(struct world *w, struct tables *out, ea_err *err)
{
    *out = (struct tables){ { 0 }, { 0 } };
    if (ea_store_each_task(w->store, see, out, err))
        return err->code;
    for (size_t i = 0; i < KEYS; i++) {
        char key[8];
        EA_FREE_AUTO char *text = NULL;
        ea_err none = { 0 };

        (void)snprintf(key, sizeof(key), "k%zu", i);
        ea_code code = ea_store_get_meta(w->store, key, &text, &none);
        if (code && code != EA_NOT_FOUND) {
            *err = none;
            return code;
        }
        out->key[i] = code ? 0 : value_of(text);
    }
    return EA_OK;
}

static bool same(const struct tables *a, const struct tables *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void difference(const struct tables *want, const struct tables *got, char out[160])
{
    for (size_t i = 0; i < ARNS; i++)
        if (want->task[i] != got->task[i]) {
            (void)snprintf(out, 160, "arn:%zu holds %u, committed was %u (4294967295: damaged)", i,
                           got->task[i], want->task[i]);
            return;
        }
    for (size_t i = 0; i < KEYS; i++)
        if (want->key[i] != got->key[i])
            (void)snprintf(out, 160, "k%zu holds %u, committed was %u", i, got->key[i],
                           want->key[i]);
}

/* Everything is as it was committed; what failed in doubt may be there instead, as a whole. */
static void judge(struct world *w, const char *when, const struct tables *got)
{
    char detail[160];

    if (same(got, &w->committed))
        return;
    for (size_t i = 0; i < w->doubts; i++)
        if (same(got, &w->doubtful[i])) {
            w->committed = *got;
            return;
        }
    difference(&w->committed, got, detail);
    fail(w, when, detail);
}

static void check(struct world *w, const char *when, bool failing)
{
    struct tables got;
    ea_err err = { 0 };

    if (w->failed)
        return;
    if (look(w, &got, &err) == EA_OK)
        judge(w, when, &got);
    else if (!failing && !disk_crashed())
        fail(w, when, err.text); /* on a failing disk an error with its name is right */
}

/* --- working ---------------------------------------------------------------------------------- */

static ea_code change(struct world *w, ea_err *err)
{
    size_t i = (size_t)below(w, ARNS + KEYS);
    bool drop = below(w, 4) == 0;
    uint32_t value = drop ? 0 : ++w->values;
    EA_FREE_AUTO char *text = drop ? NULL : text_of(value);
    char name[24];

    w->changes[w->n_changes++] = (struct change){ i, value };
    if (i >= ARNS) {
        (void)snprintf(name, sizeof(name), "k%zu", i - ARNS);
        return ea_store_put_meta(w->store, name, text, err);
    }
    (void)snprintf(name, sizeof(name), "arn:%zu", i);
    return drop ? ea_store_delete_task(w->store, name, err)
                : ea_store_put_task(w->store, name, text, err);
}

static void apply(const struct world *w, struct tables *t)
{
    for (size_t i = 0; i < w->n_changes; i++) {
        const struct change *c = &w->changes[i];

        if (c->at < ARNS)
            t->task[c->at] = c->value;
        else
            t->key[c->at - ARNS] = c->value;
    }
}

static void may_be(struct world *w, const struct tables *t)
{
    for (size_t i = 0; i < w->doubts; i++)
        if (same(t, &w->doubtful[i]))
            return;
    w->doubtful[w->doubts++] = *t;
}

/* One that changes nothing of what SQLite sees writes nothing over what is in doubt, which stays as it was then. */
static void good_commit(struct world *w)
{
    struct tables got, before = w->committed, old[DOUBTS];
    size_t n = w->doubts;
    bool wrote;
    ea_err err = { 0 };

    apply(w, &w->committed);
    wrote = !same(&before, &w->committed);
    for (size_t i = 0; i < n; i++) {
        old[i] = w->doubtful[i];
        apply(w, &w->doubtful[i]);
        wrote = wrote && !same(&old[i], &w->doubtful[i]);
    }
    if (n == 0)
        return;
    if (look(w, &got, &err) == EA_OK) {
        judge(w, "after a good commit", &got);
        if (wrote) {
            w->doubts = 0;
            return;
        }
    } else if (wrote) {
        return; /* on a failing disk */
    }
    may_be(w, &before);
    for (size_t i = 0; i < n; i++)
        may_be(w, &old[i]);
}

static void failed_commit(struct world *w)
{
    size_t n = w->doubts;

    w->doubtful[w->doubts++] = w->committed;
    for (size_t i = 0; i < n; i++)
        w->doubtful[w->doubts++] = w->doubtful[i];
    for (size_t i = n; i < w->doubts; i++)
        apply(w, &w->doubtful[i]);
}

static void transaction(struct world *w)
{
    ea_err err = { 0 };
    uint64_t n = 1 + below(w, CHANGES);
    bool good = ea_store_begin(w->store, &err) == EA_OK;

    w->transactions++;
    w->n_changes = 0;
    for (uint64_t i = 0; good && i < n; i++)
        good = change(w, &err) == EA_OK;
    if (good && below(w, 10) == 0) { /* thought better of */
        ea_store_rollback(w->store);
        return;
    }
    if (good && ea_store_commit(w->store, &err) == EA_OK) {
        good_commit(w);
        return;
    }
    if (good)
        failed_commit(w);
    if (w->trace)
        (void)fprintf(w->trace, "       not committed: %s\n", err.text);
    ea_store_rollback(w->store);
}

static bool open_store(struct world *w, const char *when)
{
    ea_err err = { 0 };

    if (ea_store_open(w->path, &w->store, &err) == EA_OK)
        return true;
    w->store = NULL;
    if (ea_store_is_damage(&err))
        fail(w, when, err.text);
    return false;
}

static void close_store(struct world *w)
{
    ea_store_close(w->store);
    w->store = NULL;
    if (disk_leaks())
        fail(w, "closed", "files of the store are still open");
}

static struct disk_faults choose(struct world *w)
{
    struct disk_faults f = { 0 };

    if (below(w, 4)) {
        int64_t reach = below(w, 2) ? 40 : 600;
        f.crash_at = 1 + (int64_t)below(w, (uint64_t)reach);
    }
    if (below(w, 3) == 0)
        f.write_fails = f.sync_fails = (unsigned)below(w, 300);
    if (below(w, 6) == 0)
        f.read_fails = (unsigned)below(w, 200);
    if (below(w, 5) == 0)
        f.room = 60000 + (int64_t)below(w, 400000);
    return f;
}

/* One life of the agent, up to a crash or an orderly end. */
static void life(struct world *w)
{
    struct disk_faults f = choose(w);
    uint64_t n = 1 + below(w, 60);

    disk_set(&f);
    if (open_store(w, "opened on a failing disk")) {
        check(w, "opened", true);
        for (uint64_t i = 0; i < n && !w->failed && !disk_crashed() && w->doubts < DOUBTS / 2; i++)
            transaction(w); /* a failed one doubles the doubts */
        const struct disk_faults none = { 0 };
        if (!disk_crashed()) {
            disk_set(&none);
            check(w, "before the end", false);
        }
        if (below(w, 3) == 0 && !disk_crashed()) /* the power goes while nothing is under way */
            disk_set(&(struct disk_faults){ .crash_at = 1 });
        close_store(w);
    }
    w->crashes += disk_crashed();
    disk_restart();
    if (!w->failed && !open_store(w, "after a crash"))
        fail(w, "after a crash", "the state cannot be opened");
    if (w->store) {
        check(w, "after a crash", false);
        w->doubts = 0;
        close_store(w);
    }
}

/* A sector goes bad while the agent is away: everything is whole, or the damage has a name. */
static void damage(struct world *w)
{
    ea_err err = { 0 };
    struct tables got;

    if (w->failed || !disk_damage(".db"))
        return;
    if (ea_store_open(w->path, &w->store, &err)) {
        w->store = NULL;
        return; /* named */
    }
    if (look(w, &got, &err) == EA_OK) {
        for (size_t i = 0; i < ARNS; i++)
            if (got.task[i] != w->committed.task[i] && got.task[i] != UINT32_MAX)
                fail(w, "a damaged sector", "is read as another state, and nobody says so");
    }
    close_store(w);
}

static bool run(uint64_t seed, const char *path, FILE *trace, struct world *w)
{
    memset(w, 0, sizeof(*w));
    ea_rng_seed(&w->rng, seed);
    w->trace = trace;
    w->path = path;
    disk_format(seed ^ 0x5bd1e995, trace);
    uint64_t lives = 1 + below(w, 6);
    for (uint64_t i = 0; i < lives && !w->failed; i++)
        life(w);
    if (below(w, 4) == 0)
        damage(w);
    disk_done();
    return !w->failed;
}

/* --- the command line ------------------------------------------------------------------------- */

struct tally {
    uint64_t passed, failed, transactions, crashes;
    const char *path;
};

static void one(uint64_t seed, bool trace, struct tally *t)
{
    static struct world w;

    bool good = run(seed, t->path, trace ? stdout : NULL, &w);
    t->transactions += w.transactions;
    t->crashes += w.crashes;
    t->passed += good;
    t->failed += !good;
    if (!good)
        (void)printf("store world %llu failed: %s\n  again: build/out/linux/tests/sim/sim-store "
                     "--seed %llu --trace\n",
                     (unsigned long long)seed, w.why, (unsigned long long)seed);
}

static bool from_file(const char *name, struct tally *t)
{
    FILE *f = fopen(name, "r");
    char line[256];

    if (!f) {
        (void)printf("cannot read %s\n", name);
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

static void drop_line(void *ctx, ea_level level, const char *line, size_t n)
{
    (void)ctx;
    (void)level;
    (void)line;
    (void)n;
}

int main(int argc, char **argv)
{
    static const ea_log_config quiet = { .level = EA_CRIT, .sink = drop_line };
    char path[64], key[72];
    struct tally t = { .path = path };
    uint64_t from = (uint64_t)ea_now().wall_ms * 1000;
    const char *seconds = NULL;
    bool trace = false, good = true;

    ea_log_configure(&quiet);
    disk_install();
    /* The store makes its file private before SQLite sees it; nothing is ever in that one. */
    (void)snprintf(path, sizeof(path), "sim-store-%ld.db", (long)getpid());
    for (int i = 1; i < argc; i++)
        trace = trace || strcmp(argv[i], "--trace") == 0;
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--seed") == 0 && ++i)
            one(strtoull(next, NULL, 0), trace, &t);
        else if (strcmp(argv[i], "--seeds") == 0 && ++i)
            good = from_file(next, &t) && good;
        else if (strcmp(argv[i], "--from") == 0 && ++i)
            from = strtoull(next, NULL, 0);
        else if (strcmp(argv[i], "--seconds") == 0 && ++i)
            seconds = next;
    }
    int64_t began = ea_now().mono_ms, end = began;
    if (seconds)
        end += (int64_t)(strtod(seconds, NULL) * 1000);
    while (ea_now().mono_ms < end && t.failed < 5)
        one(from++, false, &t);
    int64_t ms = ea_now().mono_ms - began;
    (void)remove(path);
    (void)snprintf(key, sizeof(key), "%s.key", path); /* fits */
    (void)remove(key);
    (void)printf("sim-store: %llu worlds, %.0f worlds/s, %llu transactions, %llu crashes; "
                 "%llu passed, %llu failed\n",
                 (unsigned long long)(t.passed + t.failed),
                 ms > 0 ? (double)(t.passed + t.failed) * 1000.0 / (double)ms : 0.0,
                 (unsigned long long)t.transactions, (unsigned long long)t.crashes,
                 (unsigned long long)t.passed, (unsigned long long)t.failed);
    return good && t.failed == 0 && t.passed > 0 ? 0 : 1;
}
