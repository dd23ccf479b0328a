#include "docker_lines.h"

#include <string.h>

static void keep(ea_dlines *l, const char *p, size_t n)
{
    if (l->skipping)
        return;
    ea_buf_add(&l->line, p, n);
    if (l->line.failed) {
        ea_buf_clear(&l->line);
        l->skipping = true;
        l->skipped++;
    }
}

void ea_dlines_feed(ea_dlines *l, ea_str data, bool (*fn)(void *ctx, ea_str line), void *ctx)
{
    const char *p = data.p, *end = p + data.n;

    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        ea_str line;
        bool go_on = true;

        keep(l, p, (size_t)((nl ? nl : end) - p));
        if (!nl)
            return;
        line = ea_str_trim(ea_buf_str(&l->line));
        if (!l->skipping && line.n)
            go_on = fn(ctx, line);
        if (!go_on) /* the owner may be gone */
            return;
        ea_buf_clear(&l->line);
        l->skipping = false;
        p = nl + 1;
    }
}

void ea_dlines_end(ea_dlines *l, bool (*fn)(void *ctx, ea_str line), void *ctx)
{
    ea_str line = ea_str_trim(ea_buf_str(&l->line));

    if (!l->skipping && line.n)
        (void)fn(ctx, line); /* nothing follows that could be stopped */
}

void ea_dlines_done(ea_dlines *l)
{
    ea_buf_done(&l->line);
}
