#include "sim.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <string.h>

static void make_chaos(struct sim *s)
{
    /* From quiet worlds to rough ones; some faults are off in many worlds so that the others show. */
    unsigned rough = (unsigned)sim_between(s, 0, 3);
    struct chaos *c = &s->chaos;
    unsigned *const all[] = { &c->call_error,  &c->call_lost,    &c->call_timeout, &c->event_lost,
                              &c->event_twice, &c->commit_fails, &c->crash,        &c->report_fails,
                              &c->report_lost, &c->ack_lost,     &c->meddle,       &c->outage };
    static const unsigned most[] = { 60, 60, 40, 200, 200, 80, 12, 300, 200, 200, 10, 6 };

    for (size_t i = 0; i < EA_COUNT(all); i++)
        *all[i] = sim_chance(s, 600) ? most[i] * rough / 3 : 0;
    c->slow = sim_chance(s, 300) ? 200 : 20;
    c->report_refused = sim_chance(s, 200) ? 20 : 0;
    c->quit = sim_chance(s, 150) ? 8 : 0;
    c->store_full = sim_chance(s, 100) ? 5 : 0;
    c->plane_away = sim_chance(s, 150) ? 5 : 0;
    c->clock_jump = sim_chance(s, 200) ? 6 : 0;
    if (c->clock_jump && sim_chance(s, 500))
        c->report_fails = 700;
    c->operator_stop = sim_chance(s, 100) ? 10 : 0;
    c->drain = sim_chance(s, 50) ? 10 : 0;
    c->crash_between = sim_chance(s, 100) ? 60 : c->crash / 4;
    c->link_refused = sim_chance(s, 300) ? 300 : 0;
    c->link_inactive = c->link_refused && sim_chance(s, 400) ? 200 : 0;
    c->link_drops = sim_chance(s, 300) ? 200 : 0;
    c->link_stalls = sim_chance(s, 300) ? 150 : 0;
    c->link_kick = sim_chance(s, 100) ? 20 : 0;
    c->bad_copy = sim_chance(s, 300) ? 400 : 0;
    c->late_call = sim_chance(s, 250) ? 200 : 0;
    if (c->late_call && sim_chance(s, 500)) {
        c->crash = 25;
        c->crash_between = 80;
    }
    if (sim_chance(s, 100))
        c->outage = 30;
    c->no_id = sim_chance(s, 100) ? 100 : 0;
}

static void make_profile(struct sim *s, struct profile *p, bool essential)
{
    *p = (struct profile){ .exit_after_ms = -1,
                           .term_ms = sim_chance(s, 800) ? sim_between(s, 0, 2000) : 60000,
                           .health_ms = sim_chance(s, 850) ? sim_between(s, 100, 30000) : -1,
                           .start_fails = sim_chance(s, 40),
                           .image_missing = sim_chance(s, 30),
                           .image_local = sim_chance(s, 500),
                           .pull_broken = sim_chance(s, 50),
                           .volume_busy = sim_chance(s, 20),
                           .flaps = sim_chance(s, 200),
                           .oom = sim_chance(s, 100),
                           .stale_start = sim_chance(s, 60) };
    if (sim_chance(s, 50))
        p->mute_ms = sim_chance(s, 500) ? sim_between(s, 1000, 120000)
                                        : sim_between(s, 3600000, (int64_t)3 * 3600000);
    if (sim_chance(s, 30))
        p->deaf = (unsigned)sim_between(s, 1, 8);
    if (sim_chance(s, essential ? 250 : 500)) {
        p->exit_after_ms = sim_between(s, 0, 60000);
        p->exit_code = sim_chance(s, 600) ? 0 : sim_between(s, 1, 255);
    }
}

static void add_depends(struct sim *s, struct plan_task *t, size_t i, ea_buf *b)
{
    bool first = true;

    if (i == 0 || sim_chance(s, 400))
        return;
    ea_buf_adds(b, ",\"dependsOn\":[");
    for (size_t j = 0; j < i; j++) {
        const char *condition = "START";

        if (!sim_chance(s, 600))
            continue;
        if (t->c[j].has_check && sim_chance(s, 600))
            condition = "HEALTHY";
        else if (!t->c[j].essential && t->c[j].p.exit_after_ms >= 0 && sim_chance(s, 700))
            condition = sim_chance(s, 500) ? "COMPLETE" : "SUCCESS";
        ea_buf_addf(b, "%s{\"containerName\":\"%s\",\"condition\":\"%s\"}", first ? "" : ",",
                    t->c[j].name, condition);
        first = false;
    }
    ea_buf_adds(b, "]");
    if (sim_chance(s, 150))
        ea_buf_addf(b, ",\"links\":[\"%s:x\"]", t->c[0].name);
    if (sim_chance(s, 100))
        ea_buf_addf(b, ",\"volumesFrom\":[{\"sourceContainer\":\"%s\"}]", t->c[i - 1].name);
}

static void add_container(struct sim *s, struct plan_task *t, size_t i, ea_buf *b)
{
    struct plan_container *c = &t->c[i];

    (void)snprintf(c->name, sizeof(c->name), "c%zu", i);
    c->essential = i + 1 == t->n || sim_chance(s, 500);
    c->has_check = sim_chance(s, 300);
    make_profile(s, &c->p, c->essential);
    ea_buf_addf(b,
                "%s{\"name\":\"%s\",\"image\":\"img-%s-%zu%s\",\"essential\":%s,\"cpu\":%lld,"
                "\"memory\":%lld",
                i ? "," : "", c->name, t->arn + 4, i, sim_chance(s, 100) ? "@sha256:abc" : "",
                c->essential ? "true" : "false", (long long)sim_between(s, 0, 600),
                (long long)sim_between(s, 4, 700));
    if (c->has_check)
        ea_buf_adds(b, ",\"healthCheckType\":\"docker\"");
    if (sim_chance(s, 250))
        ea_buf_addf(b,
                    ",\"portMappings\":[{\"containerPort\":80,\"hostPort\":%lld%s},"
                    "{\"containerPort\":81,\"hostPort\":0}]",
                    (long long)sim_between(s, 8080, 8083),
                    sim_chance(s, 300) ? ",\"protocol\":\"udp\"" : "");
    c->restarts = sim_chance(s, 300);
    if (c->restarts) {
        c->period_ms = sim_between(s, 1, 60) * 1000;
        c->ignores_zero = sim_chance(s, 300);
        ea_buf_addf(b, ",\"restartPolicy\":{\"enabled\":true,\"restartAttemptPeriod\":%lld%s}",
                    (long long)c->period_ms / 1000,
                    c->ignores_zero ? ",\"ignoredExitCodes\":[0]" : "");
    }
    if (sim_chance(s, 400))
        ea_buf_addf(b, ",\"startTimeout\":%lld", (long long)sim_between(s, 1, 120));
    if (sim_chance(s, 400))
        ea_buf_addf(b, ",\"stopTimeout\":%lld", (long long)sim_between(s, 1, 60));
    if (t->needs_exec && sim_chance(s, 700))
        ea_buf_adds(b, ",\"registryAuthentication\":{\"type\":\"ecr\",\"ecrAuthData\":"
                       "{\"registryId\":\"1\",\"region\":\"r\",\"useExecutionRole\":true}}");
    if (t->needs_exec && sim_chance(s, 500))
        ea_buf_adds(b, ",\"secrets\":[{\"name\":\"S\",\"valueFrom\":\"p\",\"provider\":\"ssm\"}]");
    if (sim_chance(s, 200))
        ea_buf_addf(b, ",\"mountPoints\":[{\"sourceVolume\":\"v%lld\",\"containerPath\":\"/x\"}]",
                    (long long)sim_between(s, 0, 3));
    if (sim_chance(s, 60))
        ea_buf_adds(b,
                    ",\"dockerConfig\":{\"hostConfig\":\"{\\\"MemoryReservation\\\":4194304}\"}");
    add_depends(s, t, i, b);
    ea_buf_adds(b, "}");
}

/* What makes a task impossible from the start; it ends with a reason, and nothing is created. */
static const char *impossible_task(struct sim *s)
{
    static const char *const what[] = {
        ",\"networkMode\":\"awsvpc\"",
        ",\"proxyConfiguration\":{\"type\":\"APPMESH\"}",
        ",\"associations\":[{\"type\":\"elastic-inference\",\"name\":\"x\",\"containers\":[]}]",
    };

    return what[sim_between(s, 0, EA_COUNT(what) - 1)];
}

/* Added to the last container. */
static const char *impossible_container(struct sim *s)
{
    static const char *const what[] = {
        ",\"links\":[\"nobody:x\"]",
        ",\"links\":[\"c0:x:y\"]",
        ",\"volumesFrom\":[{\"sourceContainer\":\"nobody\"}]",
        ",\"dependsOn\":[{\"containerName\":\"nobody\",\"condition\":\"START\"}]",
        ",\"dependsOn\":[{\"containerName\":\"cyclic\",\"condition\":\"START\"}]",
    };

    return what[sim_between(s, 0, EA_COUNT(what) - 1)];
}

static void add_task(struct sim *s, size_t index)
{
    struct plan_task *t = &s->plan[index];
    EA_BUF_AUTO b = EA_BUF(65536);
    ea_err err = { 0 };

    (void)snprintf(t->arn, sizeof(t->arn), "arn:task-%zu", index);
    t->n = (size_t)sim_between(s, 1, SIM_CONTAINERS - 1);
    t->has_role = sim_chance(s, 400);
    t->needs_exec = sim_chance(s, 250);
    t->bad = sim_chance(s, 40);
    ea_buf_addf(&b,
                "{\"arn\":\"%s\",\"desiredStatus\":\"RUNNING\",\"family\":\"f\",\"version\":\"1\"",
                t->arn);
    if (t->bad)
        ea_buf_adds(&b, ",\"cpu\":\"many\"");
    else if (sim_chance(s, 200))
        ea_buf_addf(&b, ",\"cpu\":%.2f,\"memory\":%lld", (double)sim_between(s, 1, 8) / 4.0,
                    (long long)sim_between(s, 64, 2048));
    const char *odd = "";
    if (sim_chance(s, 40)) {
        t->impossible = true;
        if (sim_chance(s, 500))
            ea_buf_adds(&b, impossible_task(s));
        else
            odd = impossible_container(s);
    }
    t->fargate = sim_chance(s, 30);
    if (t->fargate)
        ea_buf_adds(&b, ",\"launchType\":\"FARGATE\"");
    if (t->has_role)
        ea_buf_addf(&b,
                    ",\"roleCredentials\":{\"credentialsId\":\"role-%zu\",\"secretAccessKey\":"
                    "\"SECRETKEY\",\"expiration\":\"2030-01-01T00:00:00Z\"}",
                    index);
    if (t->needs_exec)
        ea_buf_addf(&b,
                    ",\"executionRoleCredentials\":{\"credentialsId\":\"exec-%zu\","
                    "\"secretAccessKey\":\"SECRETKEY\",\"expiration\":\"x\"}",
                    index);
    ea_buf_adds(&b, ",\"volumes\":[{\"name\":\"v0\",\"host\":{}},{\"name\":\"v1\",\"host\":"
                    "{\"sourcePath\":\"/p\"}},{\"name\":\"v2\",\"type\":\"docker\","
                    "\"dockerVolumeConfiguration\":{\"scope\":\"task\"}},{\"name\":\"v3\","
                    "\"type\":\"docker\",\"dockerVolumeConfiguration\":{\"scope\":\"shared\","
                    "\"autoprovision\":true}}],\"containers\":[");
    for (size_t i = 0; i < t->n; i++)
        add_container(s, t, i, &b);
    if (odd[0])
        ea_buf_addf(
            &b,
            ",{\"name\":\"cyclic\",\"image\":\"i\",\"essential\":false,\"cpu\":1,\"memory\":4,"
            "\"dependsOn\":[{\"containerName\":\"last\",\"condition\":\"START\"}]},"
            "{\"name\":\"last\",\"image\":\"i\",\"essential\":true,\"cpu\":1,\"memory\":4%s}",
            odd);
    ea_buf_adds(&b, "]}");
    if (ea_buf_take(&b, &t->json_running, &err))
        sim_fail(s, "task text: %s", err.text);
    sim_log(s, "plan %s", t->json_running);
}

void sim_generate(struct sim *s)
{
    make_chaos(s);
    s->plan_n = (size_t)sim_between(s, 1, sim_chance(s, 600) ? 4 : SIM_TASKS);
    s->pull = (ea_pull_behavior)sim_between(s, EA_PULL_DEFAULT, EA_PULL_PREFER_CACHED);
    s->untracked_cleanup =
        s->spec->seed % 10 < 3;   /* not drawn: the worlds of older seeds stay the same */
    if (s->spec->seed % 8 == 5) { /* not drawn either */
        s->foreign_first = 8082 + (int64_t)(s->spec->seed / 8 % 4);
        s->foreign_last = s->foreign_first + (int64_t)(s->spec->seed / 32 % 4);
    }
    s->disk_images = sim_chance(s, 300) ? sim_between(s, 1, 6) : 0;
    s->host = (struct ea_host){ .cpu_units = 2048, .memory_mib = 3000 };
    if (sim_chance(s, 300)) {
        s->host.reserved_tcp.v = ea_alloc_array(1, sizeof(int64_t));
        s->host.reserved_tcp.v[s->host.reserved_tcp.n++] = 8080;
    }
    /* Each task has a source of chance of its own: leaving one out does not change the others. */
    const ea_rng world = s->rng;
    for (size_t i = 0; i < s->plan_n; i++) {
        ea_rng_seed(&s->rng, s->spec->seed ^ (i + 1) * 0x9E3779B97F4A7C15u);
        add_task(s, i);
        s->plan[i].left_out = s->spec->tasks && !(s->spec->tasks >> i & 1);
    }
    s->rng = world;
}
