/* list.h - intrusive doubly linked list. A node lives inside its element; the list owns nothing.
 * Thread: that of the owner. */
#ifndef EA_BASE_LIST_H
#define EA_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ea_node {
    struct ea_node *prev, *next;
} ea_node;

typedef struct ea_list {
    ea_node head; /* circular; use ea_list_init before anything else */
} ea_list;

#define EA_OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void ea_list_init(ea_list *l)
{
    l->head.prev = l->head.next = &l->head;
}
static inline bool ea_list_empty(const ea_list *l)
{
    return l->head.next == &l->head;
}
static inline void ea_list_insert_before(ea_node *at, ea_node *n)
{
    n->prev = at->prev;
    n->next = at;
    at->prev->next = n;
    at->prev = n;
}
static inline void ea_list_append(ea_list *l, ea_node *n)
{
    ea_list_insert_before(&l->head, n);
}
static inline void ea_list_remove(ea_node *n)
{
    if (!n->next)
        return; /* not in a list */
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->prev = n->next = NULL;
}
/* All of `from`, in its order, to the end of `to`. For a round of calls that may put more into `from`: those
 * wait for the next round. */
static inline void ea_list_move_all(ea_list *from, ea_list *to)
{
    while (!ea_list_empty(from)) {
        ea_node *n = from->head.next;

        ea_list_remove(n);
        ea_list_append(to, n);
    }
}
/* The body may remove `node` itself. */
#define EA_LIST_EACH(list, node)                                                                   \
    for (ea_node *node = (list)->head.next, *node##_next = node->next; node != &(list)->head;      \
         node = node##_next, node##_next = node->next)

#endif
