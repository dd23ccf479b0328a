/* telemetry.c - what the TCS session publishes: production batching (report/tcs_message.c) and production
 * queue (report/publish_queue.c) on the simulated session. Draws nothing: worlds are the same with it. */
#include "sim.h"

#include "base/alloc.h"
#include "report/tcs_message.h"

#include <stdlib.h>
#include <string.h>

enum {
    TICK_MS = 20000,
    TICKS = 45 /* of each life with something to tell; later ones would show nothing new */
};
static const char task_head[] = "{\"of\":", fin_head[] = "\"fin\":";

static void key_of(const char *task, const char *container, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/%s", task, container);
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;

    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        n++;
    return n;
}

/* --- what is said --------------------------------------------------------------------------------- */

static void check_messages(struct sim *s, const ea_strlist *messages, size_t tasks)
{
    size_t told = 0;

    for (size_t i = 0; i < messages->n; i++) {
        const char *text = messages->v[i], *fin = strstr(text, fin_head);
        bool last = i + 1 == messages->n;
        size_t n = count(text, task_head);

        told += n;
        if (n > EA_TCS_TASKS_MAX)
            sim_fail(s, "telemetry: %zu tasks in one message", n);
        if (!fin || (strncmp(fin + strlen(fin_head), "true", 4) == 0) != last)
            sim_fail(s, "telemetry: fin is not on the last message and on it alone");
    }
    if (told != tasks || messages->n == 0)
        sim_fail(s, "telemetry: %zu of %zu tasks are told", told, tasks);
}

/* Some entries for each watched container, so that there is often more than one message's worth. */
static size_t collect(struct sim *s, ea_strlist *out)
{
    size_t i = 0;
    ea_map_entry *e;

    while ((e = ea_map_next(&s->telemetry.watched, &i))) {
        EA_BUF_AUTO b = EA_BUF(1024);

        ea_buf_addf(&b, "%s\"%s\"}", task_head, e->key);
        for (int times = 0; times < 4; times++)
            ea_strlist_add(out, ea_buf_z(&b));
    }
    return out->n;
}

/* Figures are taken of what runs, alone; what waits for a commit is not known outside yet. */
static void check_watched(struct sim *s)
{
    if (s->held || s->fx.n || s->commit_waits || s->queue_n)
        return;
    for (size_t i = 0; i < s->telemetry.watched.used; i++) {
        const char *key = s->telemetry.watched.entries[i].key;
        bool runs = false;

        EA_LIST_EACH(&s->m.tasks, node)
        {
            const struct ea_task *t = EA_OWNER(node, struct ea_task, node);

            for (size_t j = 0; key && j < t->containers.n; j++) {
                char own[512];

                key_of(t->arn, t->containers.v[j].name, own, sizeof(own));
                if (strcmp(own, key) == 0)
                    runs = t->containers.v[j].known == EA_C_RUNNING ||
                           t->containers.v[j].known == EA_C_PROVISIONED;
            }
        }
        if (key && !runs)
            sim_fail(s, "telemetry: %s is told of, and it has stopped", key);
    }
}

static void publish(struct sim *s)
{
    ea_strlist tasks = { NULL, 0 }, messages = { NULL, 0 };
    char id[32];
    const struct ea_tcs_ids ids = { "c", "i", id };
    size_t n;

    check_watched(s);
    (void)snprintf(id, sizeof(id), "tick-%lld", (long long)++s->telemetry.said);
    n = collect(s, &tasks);
    if (ea_tcs_metrics_messages(&ids, &tasks, n == 0, &messages))
        sim_fail(s, "telemetry: a small task is left out");
    check_messages(s, &messages, n);
    ea_publish_queue_add(&s->telemetry.queue, &messages);
    ea_strlist_free(&tasks);
    ea_strlist_free(&messages);
    if (s->telemetry.queue.n > EA_PUBLISH_WAITING_MAX)
        sim_fail(s, "telemetry: %zu publishes wait", s->telemetry.queue.n);
}

/* What the last ones left is offered on, as each tick of the agent does it. */
static void tick(struct sim *s, struct item *it)
{
    (void)it;
    if (s->telemetry.ticks < TICKS) {
        s->telemetry.ticks++;
        publish(s);
    }
    sim_telemetry_flush(s);
    if (s->telemetry.ticks < TICKS || s->telemetry.queue.n)
        sim_at(s, TICK_MS, tick)->life = s->life;
}

/* --- what goes out -------------------------------------------------------------------------------- */

void sim_telemetry_flush(struct sim *s)
{
    const struct link *l = &s->links[1];
    bool open = l->open && l->policy.state == EA_SESSION_CONNECTED;
    size_t unread = l->stalls ? EA_PUBLISH_UNREAD_MAX + 1 : 0;
    ea_strlist messages;

    while (ea_publish_queue_next(&s->telemetry.queue, open, unread, &messages)) {
        const char *id = strstr(messages.v[0], "tick-");
        int64_t number = id ? strtoll(id + strlen("tick-"), NULL, 10) : 0;

        if (!open)
            sim_fail(s, "telemetry: sent without a connection");
        if (unread > EA_PUBLISH_UNREAD_MAX)
            sim_fail(s, "telemetry: sent to a peer that does not read");
        if (number <= s->telemetry.sent)
            sim_fail(s, "telemetry: publish %lld follows %lld", (long long)number,
                     (long long)s->telemetry.sent);
        s->telemetry.sent = number;
        ea_strlist_free(&messages);
    }
}

/* --- life ----------------------------------------------------------------------------------------- */

void sim_telemetry_watch(struct sim *s, const struct ea_effect *fx)
{
    char key[512];

    key_of(fx->task->arn, fx->container->name, key, sizeof(key));
    if (fx->kind == EA_FX_WATCH)
        (void)ea_map_put(&s->telemetry.watched, key, s);
    else
        (void)ea_map_remove(&s->telemetry.watched, key); /* may be told twice */
}

void sim_telemetry_done(struct sim *s)
{
    ea_publish_queue_done(&s->telemetry.queue);
    ea_map_done(&s->telemetry.watched, NULL);
    s->telemetry.watched = (ea_map){ 0 };
}

void sim_telemetry_start(struct sim *s)
{
    sim_telemetry_done(s);
    ea_publish_queue_init(&s->telemetry.queue);
    s->telemetry.ticks = 0;
    sim_at(s, 0, tick)->life = s->life;
}

void sim_telemetry_settled(struct sim *s)
{
    const struct link *l = &s->links[1];

    if (l->open && !l->stalls && l->policy.state == EA_SESSION_CONNECTED && s->telemetry.queue.n)
        sim_fail(s, "telemetry: %zu publishes wait though nothing is in the way",
                 s->telemetry.queue.n);
}
