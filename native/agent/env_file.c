#include "env_file.h"

#include "../base/alloc.h"

#include <string.h>

/* The next line without its end; false after the last. */
static bool next_line(ea_str *rest, ea_str *line)
{
    if (rest->n == 0)
        return false;
    *rest = ea_str_cut(*rest, '\n', line);
    if (line->n && line->p[line->n - 1] == '\r')
        line->n--;
    return true;
}

ea_code ea_env_file_check(ea_str text, ea_err *err)
{
    ea_str line;

    for (int number = 1; next_line(&text, &line); number++) {
        if (line.n > EA_ENV_LINE_MAX)
            return ea_fail(err, EA_INVALID, "line %d is longer than %d bytes", number,
                           EA_ENV_LINE_MAX);
        if ((line.n && memchr(line.p, '\0', line.n)) || !ea_utf8_valid(line))
            return ea_fail(err, EA_INVALID, "line %d is not text in UTF-8", number);
    }
    return EA_OK;
}

void ea_env_file_add(ea_str text, ea_strmap *env)
{
    size_t before = env->n;
    ea_str line;

    while (next_line(&text, &line)) {
        ea_str name, value = ea_str_cut(line, '=', &name);
        bool taken = false;

        if (line.n == 0 || line.p[0] == '#' || !value.p || name.n == 0)
            continue;
        for (size_t i = 0; i < before && !taken; i++)
            taken = ea_str_eqz(name, env->v[i].k);
        if (taken)
            continue;
        EA_FREE_AUTO char *k = ea_str_dup(name);
        EA_SECRET_AUTO char *v = ea_str_dup(value);
        ea_strmap_set(env, k, v);
    }
}
