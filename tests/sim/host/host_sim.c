/* host_sim - the real set-up loop on simulated hosts: one 64-bit seed, one host with its misfortunes.
 *   host_sim --seed N [--trace]      one world; what happens goes to standard output
 *   host_sim --seeds FILE            one world for each number in the file ('#' starts a comment)
 *   host_sim --worlds N [--from N]   fresh worlds
 * In each the network comes late, goes and comes back with another adapter, addresses are removed or put on
 * ghosts, ports are stolen, HNS, firewall and rights come and go, the machine restarts. Then it is quiet for an
 * hour, after which the loop serves the address in the one right way, or names the condition that the world does
 * not allow. The last line is "<passed> passed, <failed> failed". Exit 1 when a world failed. */
#include "base/clock.h"
#include "base/rng.h"
#include "base/str.h"
#include "fakes/fake_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOWS = EA_HOST_ADAPTER | EA_HOST_PORTS | EA_HOST_PROXY | EA_HOST_FIREWALL | EA_HOST_INSIDE,
    HOUR_MS = 3600000,
    ACTS_PER_MINUTE = 200 /* more is a loop that spins */
};

struct world {
    ea_rng rng;
    struct fake_host f;
    struct ea_hostloop h;
    uint64_t next_adapter;
    unsigned needs;
    bool trace;
    char why[200];
};

static bool chance(struct world *w, unsigned percent)
{
    return ea_rng_below(&w->rng, 100) < percent;
}

static int64_t between(struct world *w, int64_t low, int64_t high)
{
    return low + (int64_t)ea_rng_below(&w->rng, (uint64_t)(high - low + 1));
}

static void say(const struct world *w, const char *what)
{
    if (w->trace)
        (void)printf("%9lld  %s\n", (long long)w->f.now_ms, what);
}

static void fail(struct world *w, const char *why)
{
    if (!w->why[0])
        (void)snprintf(w->why, sizeof(w->why), "%s", why);
}

/* ---- what happens ---- */

static void exclude_ports(struct world *w)
{
    uint16_t first = (uint16_t)between(w, 51600, 51690);

    for (size_t i = 0; i < EA_HOST_PORTS_MAX; i++) {
        struct ea_host_port *p = &w->f.ports[i];
        bool inside = first <= p->port && p->port <= first + 99;

        if (p->reserved) /* the NAT goes round it */
            continue;
        p->first = inside ? first : 0;
        p->last = inside ? (uint16_t)(first + 99) : 0;
    }
}

static void free_ports(struct world *w)
{
    for (size_t i = 0; i < EA_HOST_PORTS_MAX; i++)
        w->f.ports[i].first = w->f.ports[i].last = 0;
}

static void reboot(struct world *w)
{
    say(w, "the machine restarts");
    fake_host_network_gone(&w->f);
    fake_host_address_gone(&w->f);
    w->f.listener_made = 0;
    w->f.proxy_made = 0; /* the rule stays, its listener does not */
    if (chance(w, 30))
        exclude_ports(w);
    else
        free_ports(w);
    ea_host_init(&w->h, w->needs, w->f.now_ms);
}

static void restart_agent(struct world *w)
{
    say(w, "the agent restarts");
    w->f.listener_made = 0;
    ea_host_init(&w->h, w->needs, w->f.now_ms);
}

static void address_to_ghost(struct world *w)
{
    say(w, "somebody puts the address on a ghost");
    w->f.ghosts++;
    w->f.address_on = 1000 + w->f.ghosts;
    w->f.usable_ms = w->f.now_ms;
    w->f.made++;
}

static void steal_port(struct world *w)
{
    if (w->f.listener_made || w->f.proxy_made)
        return; /* it is taken */
    w->f.port80 = chance(w, 50) ? HTTP_SYS : OTHER_PROGRAM;
    say(w, w->f.port80 == HTTP_SYS ? "http.sys takes port 80" : "a program takes the port");
}

static void new_network(struct world *w)
{
    say(w, "the network is made anew");
    if (w->f.network && chance(w, 30))
        w->f.ghosts++;
    w->f.dad_ms = chance(w, 20) ? between(w, 0, 60000) : between(w, 0, 3000);
    fake_host_network(&w->f, w->next_adapter++);
}

static void misfortune(struct world *w)
{
    switch (ea_rng_below(&w->rng, 15)) {
    case 0:
        say(w, "the network goes");
        fake_host_network_gone(&w->f);
        break;
    case 1:
        new_network(w);
        break;
    case 2:
        w->f.hns_up = !w->f.hns_up;
        say(w, w->f.hns_up ? "HNS answers" : "HNS does not answer");
        break;
    case 3:
        say(w, "the address is removed");
        fake_host_address_gone(&w->f);
        break;
    case 4:
        address_to_ghost(w);
        break;
    case 5:
        steal_port(w);
        break;
    case 6:
        say(w, "port 80 is free");
        w->f.port80 = NOBODY;
        break;
    case 7:
        reboot(w);
        break;
    case 8:
        restart_agent(w);
        break;
    case 9:
        w->f.firewall = (ea_fact)ea_rng_below(&w->rng, 3);
        w->f.firewall_denied = chance(w, 30);
        break;
    case 10:
        w->f.denied = chance(w, 30);
        say(w, w->f.denied ? "no rights" : "rights");
        break;
    case 11:
        w->f.proxy_rule = true; /* of an earlier set-up */
        w->f.proxy_denied = chance(w, 30);
        say(w, "a proxy rule appears");
        break;
    case 13:
        w->f.unrouted += 1;
        say(w, "a container starts");
        break;
    case 12:
        w->f.duplicate = w->f.address_on != 0 && chance(w, 50);
        break;
    default:
        ea_host_repair(&w->h);
        say(w, "somebody asks for a repair");
        break;
    }
}

/* ---- the loop on it ---- */

static void round_of(struct world *w, int64_t *wake_ms)
{
    bool proved;

    *wake_ms = fake_host_round(&w->f, &w->h);
    proved = ea_str_ends(ea_str_of(w->f.trace), " prove");
    if (w->trace && w->f.trace[0])
        (void)printf("%9lld   %s\n", (long long)w->f.now_ms, w->f.trace);
    w->f.trace[0] = '\0';
    if (*wake_ms <= w->f.now_ms)
        fail(w, "it rests until now: it spins");
    if (*wake_ms > w->f.now_ms + 30000)
        fail(w, "the next look is more than 30 s away");
    if (proved && !fake_host_serves(&w->f))
        fail(w, "it says that containers are served, and they are not");
}

static void run_until(struct world *w, int64_t until_ms)
{
    int64_t minute = w->f.now_ms;
    unsigned acts = w->f.acts;

    while (!w->why[0]) {
        int64_t wake_ms;

        round_of(w, &wake_ms);
        if (w->f.now_ms - minute >= 60000) {
            minute = w->f.now_ms;
            acts = w->f.acts;
        }
        if (w->f.acts - acts > ACTS_PER_MINUTE)
            fail(w, "it spins");
        if (wake_ms > until_ms)
            break;
        w->f.now_ms = wake_ms;
    }
    w->f.now_ms = until_ms;
}

/* The condition that this world keeps from being met; EA_HOST_COND_COUNT: none. */
static ea_host_cond hindrance(const struct world *w)
{
    const struct fake_host *f = &w->f;
    bool windows = (w->needs & EA_HOST_ADAPTER) != 0;
    bool usable = f->address_on && !f->duplicate && f->usable_ms <= f->now_ms;
    bool no_route = (w->needs & EA_HOST_ROUTE) && f->route == EA_FACT_NO;

    if (windows && (!f->network || !f->hns_up) && (!usable || no_route))
        return EA_HOST_COND_ADAPTER;
    if (f->denied && !(usable && (!windows || f->address_on == f->network)))
        return EA_HOST_COND_ADDRESS;
    if (f->port80 == OTHER_PROGRAM && f->listener_made != f->made && f->proxy_made != f->made)
        return EA_HOST_COND_LISTENER;
    return EA_HOST_COND_COUNT;
}

static void check_end(struct world *w)
{
    const struct fake_host *f = &w->f;
    ea_host_cond blocked = ea_host_blocked(&w->h), want = hindrance(w);

    if (blocked != EA_HOST_COND_COUNT) {
        if (!w->h.waits[blocked].error[0])
            fail(w, "it waits and does not say what for");
        if (w->h.proven)
            fail(w, "it waits for an hour and offers the feature");
        if (want == EA_HOST_COND_COUNT && !f->denied && !f->proxy_denied && f->port80 == NOBODY)
            fail(w, "it waits where nothing is in its way");
        if ((want == EA_HOST_COND_ADAPTER) != (blocked == EA_HOST_COND_ADAPTER))
            fail(w, "it waits for another thing than what is missing");
        return;
    }
    if (!w->h.proven || !fake_host_serves(f))
        fail(w, "all conditions are met and containers are not served");
    if (f->hns_up && f->network && (w->needs & EA_HOST_ADAPTER) && f->address_on != f->network)
        fail(w, "the address is on another adapter than the network's");
    if (f->proxy_rule && !w->h.by_proxy && !f->denied)
        fail(w, "a proxy rule was left behind");
    if (w->h.by_proxy && f->listener_made)
        fail(w, "proxy and listener at once");
    if ((w->needs & EA_HOST_INSIDE) && f->unrouted && !f->denied)
        fail(w, "a container without its route");
    for (size_t i = 0; i < EA_HOST_PORTS_MAX; i++) {
        if (f->ports[i].wanted && !f->ports[i].first && !f->ports[i].reserved && !f->denied)
            fail(w, "a port was not reserved");
    }
    if ((w->needs & EA_HOST_FIREWALL) && f->firewall == EA_FACT_NO && !f->firewall_denied &&
        !f->denied)
        fail(w, "no firewall rule");
}

static bool world(uint64_t seed, bool trace, uint64_t *acts)
{
    static struct world w;
    unsigned n;

    memset(&w, 0, sizeof(w));
    w.trace = trace;
    ea_rng_seed(&w.rng, seed);
    w.next_adapter = 7;
    w.needs = chance(&w, 15) ? 0 : (unsigned)WINDOWS | (chance(&w, 25) ? EA_HOST_ROUTE : 0);
    fake_host_init(&w.f, w.needs);
    w.f.now_ms = between(&w, 1, 100000);
    ea_host_init(&w.h, w.needs, w.f.now_ms);
    if (chance(&w, 50))
        new_network(&w);
    n = (unsigned)between(&w, 0, 25);
    for (unsigned i = 0; i < n && !w.why[0]; i++) {
        run_until(&w, w.f.now_ms + between(&w, 1, chance(&w, 50) ? 5000 : 300000));
        misfortune(&w);
    }
    if (chance(&w, 70)) { /* mostly the world is put right; else it must say what is wrong */
        say(&w, "faults end");
        w.f.hns_up = true;
        w.f.denied = w.f.duplicate = w.f.proxy_denied = w.f.firewall_denied = false;
        w.f.port80 = NOBODY;
        free_ports(&w);
        if (!w.f.network)
            new_network(&w);
        w.f.dad_ms = 1000;
    }
    run_until(&w, w.f.now_ms + HOUR_MS);
    if (!w.why[0])
        check_end(&w);
    *acts += w.f.acts;
    if (w.why[0])
        (void)printf("host world %llu failed: %s\n  replay: host_sim --seed %llu --trace\n",
                     (unsigned long long)seed, w.why, (unsigned long long)seed);
    return !w.why[0];
}

struct tally {
    uint64_t passed, failed, acts;
};

static void one(uint64_t seed, bool trace, struct tally *t)
{
    if (world(seed, trace, &t->acts))
        t->passed++;
    else
        t->failed++;
}

static bool from_file(const char *path, struct tally *t)
{
    FILE *f = fopen(path, "r");
    char line[256];

    if (!f)
        return false;
    while (fgets(line, sizeof(line), f)) {
        char *end = NULL;
        uint64_t seed = strtoull(line, &end, 0);

        if (end != line)
            one(seed, false, t);
    }
    (void)fclose(f); /* only read */
    return true;
}

int main(int argc, char **argv)
{
    struct tally t = { 0 };
    const char *seed = NULL, *file = NULL, *worlds = NULL;
    uint64_t from = (uint64_t)ea_now().wall_ms * 1000;
    bool trace = false, good = true;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0)
            trace = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = argv[++i];
        else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
            file = argv[++i];
        else if (strcmp(argv[i], "--worlds") == 0 && i + 1 < argc)
            worlds = argv[++i];
        else if (strcmp(argv[i], "--from") == 0 && i + 1 < argc)
            from = strtoull(argv[++i], NULL, 0);
    }
    if (seed)
        one(strtoull(seed, NULL, 0), trace, &t);
    if (file)
        good = from_file(file, &t);
    for (uint64_t i = worlds ? strtoull(worlds, NULL, 0) : 0; i > 0 && t.failed < 5; i--)
        one(from++, false, &t);
    (void)printf("host_sim: %llu acts; %llu passed, %llu failed\n", (unsigned long long)t.acts,
                 (unsigned long long)t.passed, (unsigned long long)t.failed);
    return good && t.failed == 0 && t.passed > 0 ? 0 : 1;
}
