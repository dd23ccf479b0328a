/* docker_lines.h - a stream of JSON objects, one a line, cut into lines of bounded length. Private to
 * docker/. Thread: that of the owner. */
#ifndef EA_DOCKER_DOCKER_LINES_H
#define EA_DOCKER_DOCKER_LINES_H

#include "../base/buf.h"

#include <stdbool.h>

typedef struct ea_dlines {
    ea_buf line;      /* .max: the longest line that is kept */
    bool skipping;    /* in a line that was too long */
    unsigned skipped; /* lines that were too long, so far */
} ea_dlines;

#define EA_DLINES(max) ((ea_dlines){ .line = EA_BUF(max) })

/* Calls fn(ctx, line) for each whole line that is not blank; fn answers false to stop. */
void ea_dlines_feed(ea_dlines *l, ea_str data, bool (*fn)(void *ctx, ea_str line), void *ctx);
/* At the end of the stream: the last line may lack its newline. */
void ea_dlines_end(ea_dlines *l, bool (*fn)(void *ctx, ea_str line), void *ctx);
void ea_dlines_done(ea_dlines *l);

#endif
