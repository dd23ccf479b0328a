/* publish_queue.h - what telemetry has to say and was not given to a connection yet: how much waits, what
 * goes when too much does, when the next may go. Pure; the simulator drives it too.
 * Thread: that of the owner. Source: control-plane.md section 4. */
#ifndef EA_REPORT_PUBLISH_QUEUE_H
#define EA_REPORT_PUBLISH_QUEUE_H

#include "../base/json.h"
#include "../base/list.h"

#define EA_PUBLISH_WAITING_MAX 15 /* publishes of one tick each: 5 min */
#define EA_PUBLISH_UNREAD_MAX                                                                      \
    1048576 /* behind it a peer that does not read is given nothing more */

struct ea_publish_queue {
    ea_list list;
    size_t n;
};
void ea_publish_queue_init(struct ea_publish_queue *q);
void ea_publish_queue_done(struct ea_publish_queue *q); /* empty again, fit for use */
/* The messages of one tick; taken, the list is left empty. None: nothing is added. When too many wait the
 * oldest goes: it tells least. */
void ea_publish_queue_add(struct ea_publish_queue *q, ea_strlist *messages);
/* The next to be sent, freed by the caller; never handed out again. False: nothing waits, there is no open
 * connection, or its peer has left more than EA_PUBLISH_UNREAD_MAX bytes unread. */
bool ea_publish_queue_next(struct ea_publish_queue *q, bool open, size_t unread, ea_strlist *out);

#endif
