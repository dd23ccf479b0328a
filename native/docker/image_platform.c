#include "image_platform.h"

#include <stdio.h>
#include <string.h>

#define SERVER_2022 20348 /* from here on older images of this build or later run as well */

struct version {
    unsigned long major, minor, build;
};

/* A number of at most 9 digits at *p, then the separator (or the end, when `last`). */
static bool number(const char **p, const char *separators, bool last, unsigned long *out)
{
    size_t n = strspn(*p, "0123456789");

    if (n == 0 || n > 9)
        return false;
    *out = 0;
    for (size_t i = 0; i < n; i++)
        *out = *out * 10 + (unsigned long)((*p)[i] - '0');
    *p += n;
    if (**p == '\0')
        return last;
    if (!strchr(separators, **p))
        return false;
    ++*p;
    return true;
}

/* "10.0.20348.1249" of an image; "10.0 20348 (...)" of an engine. */
static bool parse(const char *text, struct version *v)
{
    const char *p = text;

    return p && number(&p, ".", false, &v->major) && number(&p, ". ", false, &v->minor) &&
           number(&p, ". ", true, &v->build);
}

static bool told(const char *s)
{
    return s && *s && strcmp(s, "unknown") != 0;
}

static bool arch_fits(const char *host, const char *image)
{
    if (!told(host) || !told(image) || strcmp(host, image) == 0)
        return true;
    return (strcmp(host, "amd64") == 0 && strcmp(image, "386") == 0) ||
           (strcmp(host, "arm64") == 0 && strcmp(image, "arm") == 0);
}

static bool build_fits(const struct ea_platform_host *host, const char *os_version)
{
    struct version h, i;

    if (!parse(host->kernel, &h) || !parse(os_version, &i))
        return true;
    if (h.major != i.major || h.minor != i.minor || i.build > h.build)
        return false;
    return i.build == h.build || host->hyperv || (h.build >= SERVER_2022 && i.build >= SERVER_2022);
}

static bool fits(const struct ea_platform_host *host, const struct ea_platform *p)
{
    if (told(host->os) && told(p->os) && strcmp(host->os, p->os) != 0)
        return false;
    if (!host->emulates && !arch_fits(host->arch, p->arch))
        return false;
    return !told(host->os) || strcmp(host->os, "windows") != 0 || build_fits(host, p->os_version);
}

static void describe(const struct ea_platform *p, char out[96])
{
    (void)snprintf(out, 96, "%.20s/%.20s%s%.10s%s%.32s", told(p->os) ? p->os : "?",
                   told(p->arch) ? p->arch : "?", told(p->variant) ? "/" : "",
                   told(p->variant) ? p->variant : "", told(p->os_version) ? " " : "",
                   told(p->os_version) ? p->os_version : "");
}

bool ea_platform_refused(const struct ea_platform_host *host, const struct ea_platform *v, size_t n,
                         char why[EA_PLATFORM_TEXT_MAX])
{
    struct version h;
    char one[96], mine[96], version[40] = "";
    size_t used, judged = 0;

    for (size_t i = 0; i < n; i++) {
        if (!told(v[i].os) && !told(v[i].arch))
            continue; /* an attestation, or nothing told */
        judged++;
        if (fits(host, &v[i]))
            return false;
    }
    if (judged == 0)
        return false;
    if (told(host->os) && strcmp(host->os, "windows") == 0 && parse(host->kernel, &h))
        (void)snprintf(version, sizeof(version), "%lu.%lu.%lu", h.major, h.minor, h.build);
    describe(&(struct ea_platform){ host->os, host->arch, version, NULL }, mine);
    used = (size_t)snprintf(why, EA_PLATFORM_TEXT_MAX, "the image is for");
    judged = 0;
    for (size_t i = 0; i < n; i++) {
        if (!told(v[i].os) && !told(v[i].arch))
            continue;
        if (used > EA_PLATFORM_TEXT_MAX - 240) {
            used += (size_t)snprintf(why + used, EA_PLATFORM_TEXT_MAX - used, ", ...");
            break;
        }
        describe(&v[i], one);
        used += (size_t)snprintf(why + used, EA_PLATFORM_TEXT_MAX - used, "%s %s",
                                 judged++ ? "," : "", one);
    }
    (void)snprintf(why + used, EA_PLATFORM_TEXT_MAX - used, ", this host is %s", mine);
    return true;
}
