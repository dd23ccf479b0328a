#include "pull_lines.h"

#include "../base/alloc.h"
#include "../base/json.h"

#include <stdio.h>
#include <string.h>

#define MIB (1024 * 1024)

typedef enum phase {
    PENDING,
    UNPACKING,
    DONE
} phase; /* UNPACKING: downloaded, not complete */

struct layer {
    phase phase;
    int64_t current, total; /* of the present phase */
    int64_t size;           /* bytes to download; 0: not told, or nothing */
    bool told_downloaded, told_done;
};

struct detail {
    int64_t current, total;
};
struct failure {
    char *message;
};
struct progress_line {
    char *id, *status, *error;
    struct detail detail;
    struct failure failure;
};
static const ea_jfield detail_fields[] = {
    EA_JI64(struct detail, current, "current", 0),
    EA_JI64(struct detail, total, "total", 0),
};
static const ea_jshape detail_shape = EA_JSHAPE(struct detail, detail_fields);
static const ea_jfield failure_fields[] = {
    EA_JSTR(struct failure, message, "message", 0),
};
static const ea_jshape failure_shape = EA_JSHAPE(struct failure, failure_fields);
static const ea_jfield line_fields[] = {
    EA_JSTR(struct progress_line, id, "id", 0),
    EA_JSTR(struct progress_line, status, "status", 0),
    EA_JSTR(struct progress_line, error, "error", 0),
    EA_JOBJ(struct progress_line, detail, "progressDetail", 0, &detail_shape),
    EA_JOBJ(struct progress_line, failure, "errorDetail", 0, &failure_shape),
};
static const ea_jshape line_shape = EA_JSHAPE(struct progress_line, line_fields);

static const struct {
    const char *status; /* beginning of it */
    phase phase;
} words[] = {
    { "Pulling fs layer", PENDING },     { "Waiting", PENDING },
    { "Downloading", PENDING },          { "Retrying", PENDING },
    { "Verifying Checksum", UNPACKING }, { "Download complete", UNPACKING },
    { "Extracting", UNPACKING },         { "Pull complete", DONE },
    { "Already exists", DONE },          { "Already present", DONE },
};

void ea_pull_state_done(struct ea_pull_state *s)
{
    ea_map_done(&s->layers, ea_free);
    ea_free(s->error);
    *s = (struct ea_pull_state){ .told = s->told, .ctx = s->ctx };
}

static unsigned *counter(struct ea_pull_state *s, phase p)
{
    switch (p) {
    case PENDING:
        return &s->pending;
    case UNPACKING:
        return &s->unpacking;
    case DONE:
        break;
    }
    return &s->done;
}

static struct layer *layer_of(struct ea_pull_state *s, const char *id)
{
    struct layer *l = ea_map_get(&s->layers, id);

    if (l || ea_map_count(&s->layers) >= EA_PULL_LAYERS_MAX)
        return l;
    l = ea_alloc(sizeof(*l));
    (void)ea_map_put(&s->layers, id, l); /* the key is new */
    s->pending++;
    return l;
}

/* Each once a layer, however often an engine repeats itself. */
static void tell_layer(const struct ea_pull_state *s, const char *id, struct layer *l,
                       const char *status)
{
    bool there = ea_str_starts(ea_str_of(status), "Already");

    if (l->phase == UNPACKING && !l->told_downloaded) {
        l->told_downloaded = true;
        if (s->told)
            s->told(s->ctx, id, "downloaded", l->size);
    } else if (l->phase == DONE && !l->told_done) {
        l->told_done = true;
        if (s->told)
            s->told(s->ctx, id, there ? "already there" : "complete", l->size);
    }
}

static void note_layer(struct ea_pull_state *s, const struct progress_line *line)
{
    for (size_t i = 0; i < EA_COUNT(words); i++) {
        struct layer *l;

        if (!ea_str_starts(ea_str_of(line->status), words[i].status))
            continue;
        l = layer_of(s, line->id);
        if (!l)
            return;
        if (l->phase != words[i].phase) {
            --*counter(s, l->phase);
            ++*counter(s, words[i].phase);
            l->phase = words[i].phase;
            l->current = l->total = 0;
        }
        if (line->detail.total > 0) {
            l->total = line->detail.total;
            l->current = line->detail.current > l->total ? l->total : line->detail.current;
            l->current = l->current < 0 ? 0 : l->current;
            if (l->phase == PENDING)
                l->size = l->total;
        }
        tell_layer(s, line->id, l, line->status);
        return;
    }
}

ea_code ea_pull_line(struct ea_pull_state *s, ea_str line, ea_err *err)
{
    struct progress_line l = { 0 };

    if (ea_json_decode(&line_shape, line, &l, err)) {
        return ea_docker_garbled(err, "progress of a pull");
    }
    if (l.error || l.failure.message) {
        if (!s->error) /* the first one is the cause */
            s->error = ea_strdup(l.error && *l.error ? l.error : l.failure.message);
    } else if (l.id && l.status) {
        note_layer(s, &l);
    }
    ea_json_free(&line_shape, &l);
    return EA_OK;
}

bool ea_pull_downloads(const struct ea_pull_state *s)
{
    return ea_map_count(&s->layers) == 0 || s->pending > 0;
}

static int64_t add(int64_t a, int64_t b)
{
    return b > INT64_MAX - a ? INT64_MAX : a + b;
}

void ea_pull_summary(const struct ea_pull_state *s, struct ea_pull_progress *out)
{
    phase now = s->pending ? PENDING : UNPACKING;
    ea_map_entry *e;

    *out = (struct ea_pull_progress){ .status = "Pulling",
                                      .layers = (unsigned)ea_map_count(&s->layers),
                                      .layers_done = s->done,
                                      .sizes_known = true };
    if (s->pending)
        out->status = "Downloading";
    else if (s->unpacking)
        out->status = "Extracting";
    else if (out->layers)
        out->status = "Complete";
    for (size_t i = 0; (e = ea_map_next(&s->layers, &i));) {
        const struct layer *l = e->value;

        if (l->phase == now) {
            out->current = add(out->current, l->current);
            out->total = add(out->total, l->total);
        }
        out->size = add(out->size, l->size);
        out->got = add(out->got, l->phase == PENDING ? l->current : l->size);
        if (l->phase == PENDING && !l->size)
            out->sizes_known = false;
    }
}

void ea_pull_progress_text(const struct ea_pull_progress *p, char out[EA_PULL_TEXT_MAX])
{
    const char *unit = p->size < 10 * MIB ? "KiB" : "MiB";
    int64_t bytes = p->size < 10 * MIB ? 1024 : MIB;

    if (!p->layers)
        (void)snprintf(out, EA_PULL_TEXT_MAX, "asks the registry");
    else if (p->layers_done < p->layers && strcmp(p->status, "Extracting") == 0)
        (void)snprintf(out, EA_PULL_TEXT_MAX, "unpacks, %u of %u layers", p->layers_done,
                       p->layers);
    else if (p->sizes_known)
        (void)snprintf(out, EA_PULL_TEXT_MAX, "%u of %u layers, %lld of %lld %s", p->layers_done,
                       p->layers, (long long)(p->got / bytes), (long long)(p->size / bytes), unit);
    else
        (void)snprintf(out, EA_PULL_TEXT_MAX, "%u of %u layers, %lld %s so far", p->layers_done,
                       p->layers, (long long)(p->got / bytes), unit);
}
