/* pull_lines.h - what the lines of a pull mean: phases of layers, progress, the error. Private to
 * docker/; pure. Source: task-engine.md sections 2.2, 4.1; the texts are those of the Docker Engine. */
#ifndef EA_DOCKER_PULL_LINES_H
#define EA_DOCKER_PULL_LINES_H

#include "../base/map.h"
#include "docker_pull.h"

#define EA_PULL_LAYERS_MAX 1024 /* layers that are told apart; no image has more than 127 */

struct ea_pull_state {
    ea_map layers;                     /* id -> struct layer * */
    unsigned pending, unpacking, done; /* layers being downloaded, unpacked, complete */
    char *error;                       /* the text of the error line; NULL: none */
    ea_docker_pull_layer *told;        /* set by the owner; may be NULL */
    void *ctx;
};

/* Frees what it holds; the owner's members stay. */
void ea_pull_state_done(struct ea_pull_state *s);
/* A line that is no JSON object or has another shape is EA_PROTOCOL. */
ea_code ea_pull_line(struct ea_pull_state *s, ea_str line, ea_err *err) EA_CHECK;
/* True while silence means trouble: nothing is known yet, or a layer is still to be downloaded. */
bool ea_pull_downloads(const struct ea_pull_state *s);
void ea_pull_summary(const struct ea_pull_state *s, struct ea_pull_progress *out);

#endif
