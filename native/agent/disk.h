/* disk.h - the disk where the Docker Engine keeps images: how full it is.
 * Thread: loop; the look itself is made by a thread of the pool. Knows: the engine's root folder, as the
 * engine tells it. Does not know: when that matters (engine/room.h). An engine on another machine has no
 * such folder here: then nothing is known, and nothing is refused. */
#ifndef EA_AGENT_DISK_H
#define EA_AGENT_DISK_H

#include "agent.h"

/* Bytes that an ordinary user may still write, and bytes in all; both 0 unless EA_OK. */
typedef void ea_disk_done(void *ctx, int64_t free_bytes, int64_t total_bytes, const ea_err *err);
/* `done` comes once, later. */
void ea_disk_look(ea_agent *ag, ea_disk_done *done, void *ctx);
/* True when the engine's words say that its disk is full. */
bool ea_disk_is_full(const ea_err *err);
/* What a pull is refused with: EA_LIMIT, naming image, room and setting. */
void ea_disk_lacks(const ea_agent *ag, const char *image, int64_t need_bytes, int64_t free_bytes,
                   int64_t total_bytes, ea_err *err);

#endif
