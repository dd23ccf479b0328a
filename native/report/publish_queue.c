#include "publish_queue.h"

#include "../base/alloc.h"

struct publish {
    ea_node node;
    ea_strlist messages;
};

static void take_first(struct ea_publish_queue *q, ea_strlist *out)
{
    struct publish *p = EA_OWNER(q->list.head.next, struct publish, node);

    ea_list_remove(&p->node);
    q->n--;
    *out = p->messages;
    ea_free(p);
}

static void drop_first(struct ea_publish_queue *q)
{
    ea_strlist gone;

    take_first(q, &gone);
    ea_strlist_free(&gone);
}

void ea_publish_queue_init(struct ea_publish_queue *q)
{
    ea_list_init(&q->list);
    q->n = 0;
}

void ea_publish_queue_done(struct ea_publish_queue *q)
{
    while (q->n)
        drop_first(q);
}

void ea_publish_queue_add(struct ea_publish_queue *q, ea_strlist *messages)
{
    struct publish *p;

    if (messages->n == 0)
        return;
    if (q->n == EA_PUBLISH_WAITING_MAX)
        drop_first(q);
    p = ea_alloc(sizeof(*p));
    p->messages = *messages;
    *messages = (ea_strlist){ NULL, 0 };
    ea_list_append(&q->list, &p->node);
    q->n++;
}

bool ea_publish_queue_next(struct ea_publish_queue *q, bool open, size_t unread, ea_strlist *out)
{
    if (!open || unread > EA_PUBLISH_UNREAD_MAX || q->n == 0)
        return false;
    take_first(q, out);
    return true;
}
