#include "image_ref.h"

#include "../base/alloc.h"

#include <string.h>

#define HUB "docker.io"

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool all_of(ea_str s, const char *extra)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && (!s.p[i] || !strchr(extra, s.p[i])))
            return false;
    return true;
}

bool ea_image_digest_valid(ea_str digest)
{
    ea_str algorithm, hex = ea_str_cut(digest, ':', &algorithm);
    bool sha256 = ea_str_eqz(algorithm, "sha256");

    if (algorithm.n == 0 || !all_of(algorithm, "+._-") || hex.n < 32 || hex.n > 256)
        return false;
    if (sha256 && hex.n != 64)
        return false;
    for (size_t i = 0; i < hex.n; i++)
        if (!is_hex(hex.p[i]))
            return false;
    return true;
}

static bool name_valid(ea_str name)
{
    if (name.n == 0 || !all_of(name, "._-/:[]"))
        return false;
    if (name.p[0] == '/' || name.p[name.n - 1] == '/')
        return false;
    for (size_t i = 1; i < name.n; i++)
        if (name.p[i] == '/' && name.p[i - 1] == '/')
            return false;
    return true;
}

ea_code ea_image_ref_parse(const char *text, ea_image_ref *out, ea_err *err)
{
    ea_str rest = ea_str_of(text);
    ea_image_ref ref = { 0 };
    size_t at;

    if (rest.n == 0 || rest.n > EA_IMAGE_REF_MAX)
        return ea_fail(err, EA_INVALID, "image name of %zu bytes", rest.n);
    at = ea_str_rfind(rest, '@');
    if (at != SIZE_MAX) {
        ref.digest = (ea_str){ rest.p + at + 1, rest.n - at - 1 };
        rest.n = at;
        if (!ea_image_digest_valid(ref.digest))
            return ea_fail(err, EA_INVALID, "image %s: not a digest", text);
    }
    /* The last colon with no slash behind it starts the tag: task-engine.md section 4.1. */
    at = ea_str_rfind(rest, ':');
    if (at != SIZE_MAX && !memchr(rest.p + at, '/', rest.n - at)) {
        ref.tag = (ea_str){ rest.p + at + 1, rest.n - at - 1 };
        rest.n = at;
        if (ref.tag.n == 0 || ref.tag.n > 128 || !all_of(ref.tag, "._-"))
            return ea_fail(err, EA_INVALID, "image %s: not a tag", text);
    }
    if (!name_valid(rest))
        return ea_fail(err, EA_INVALID, "image %s: not a repository name", text);
    ref.name = rest;
    *out = ref;
    return EA_OK;
}

ea_str ea_image_ref_host(ea_str name)
{
    ea_str first, rest = ea_str_cut(name, '/', &first);

    if (!rest.p)
        return (ea_str){ NULL, 0 };
    if (memchr(first.p, '.', first.n) || memchr(first.p, ':', first.n) ||
        ea_str_eqz(first, "localhost"))
        return first;
    return (ea_str){ NULL, 0 };
}

/* What follows the host; the whole name without one. */
static ea_str path_of(ea_str name, ea_str host)
{
    if (!host.p)
        return name;
    return (ea_str){ name.p + host.n + 1, name.n - host.n - 1 };
}

static bool is_hub(ea_str host)
{
    return !host.p || ea_str_eqz(host, HUB) || ea_str_eqz(host, "index." HUB);
}

char *ea_image_ref_full(ea_str name)
{
    ea_str host = ea_image_ref_host(name), path = path_of(name, host);

    if (!is_hub(host))
        return ea_str_dup(name);
    if (path.n && !memchr(path.p, '/', path.n))
        return ea_sprintf_dup(HUB "/library/%.*s", EA_STR_FMT(path));
    return ea_sprintf_dup(HUB "/%.*s", EA_STR_FMT(path));
}

char *ea_image_ref_familiar(ea_str name)
{
    ea_str host = ea_image_ref_host(name), path = path_of(name, host);
    const size_t library = sizeof("library/") - 1;

    if (!is_hub(host))
        return ea_str_dup(name);
    if (ea_str_starts(path, "library/") && !memchr(path.p + library, '/', path.n - library) &&
        path.n > library)
        path = (ea_str){ path.p + library, path.n - library };
    return ea_str_dup(path);
}

static bool same_repo(ea_str a, ea_str b)
{
    EA_FREE_AUTO char *full_a = ea_image_ref_full(a);
    EA_FREE_AUTO char *full_b = ea_image_ref_full(b);

    return ea_zstr_eq(full_a, full_b);
}

ea_code ea_image_ref_pull_args(const char *text, char **from_image, char **tag, ea_err *err)
{
    ea_image_ref ref;

    if (ea_image_ref_parse(text, &ref, err))
        return err->code;
    *from_image = ea_image_ref_familiar(ref.name);
    if (ref.digest.n)
        *tag = ea_str_dup(ref.digest);
    else
        *tag = ref.tag.n ? ea_str_dup(ref.tag) : ea_strdup("latest");
    return EA_OK;
}

const char *ea_image_ref_pick_digest(const char *image, char *const *repo_digests, size_t n)
{
    ea_image_ref want, have;
    ea_err ignored = { 0 };

    if (ea_image_ref_parse(image, &want, &ignored))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (ea_image_ref_parse(repo_digests[i], &have, &ignored) || !have.digest.n)
            continue; /* "<none>@<none>" of an image without a name */
        if (same_repo(want.name, have.name))
            return have.digest.p; /* the last part of a text that ends there */
    }
    return NULL;
}
