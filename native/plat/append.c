#include "plat.h"

#include "../base/alloc.h"
#include "../base/clock.h"
#include "file_handle.h"

#include <string.h>

enum {
    KEPT_OPEN_MS = 1000,
    KEEP_MAX = 1000
};

char *ea_file_parent(const char *path)
{
    size_t n = strlen(path);

    while (n > 0 && path[n - 1] != '/' && !(ea_plat_is_windows() && path[n - 1] == '\\'))
        n--;
    if (n == 0)
        return ea_strdup(".");
    return ea_strndup(path, n == 1 ? 1 : n - 1);
}

static void roll(const char *path, unsigned keep)
{
    ea_err err = { 0 };

    for (unsigned i = keep; i > 0; i--) {
        EA_FREE_AUTO char *from = i == 1 ? ea_strdup(path) : ea_sprintf_dup("%s.%u", path, i - 1);
        EA_FREE_AUTO char *to = ea_sprintf_dup("%s.%u", path, i);

        ea_file_move(from, to); /* gaps in the row are normal; a refusal shows at the next write */
    }
    if (keep == 0 && ea_plat_remove_file(path, &err))
        return; /* the same */
}

static ea_code open_kept(ea_plat_file *f, const char *path, ea_err *err)
{
    ea_plat_file fresh = { .is_open = true, .opened_ms = ea_now().mono_ms };
    ea_err first = { 0 };

    if (ea_file_open_append(path, &fresh.handle, &fresh.size, &first) == EA_NOT_FOUND) {
        EA_FREE_AUTO char *dir = ea_file_parent(path);

        if (ea_plat_make_dir(dir, err) ||
            ea_file_open_append(path, &fresh.handle, &fresh.size, err))
            return err->code;
    } else if (first.code != EA_OK) {
        *err = first;
        return err->code;
    }
    *f = fresh;
    return EA_OK;
}

void ea_plat_append_close(ea_plat_file *f)
{
    if (f->is_open)
        ea_file_close(f->handle);
    *f = (ea_plat_file){ 0 };
}

ea_code ea_plat_append(ea_plat_file *f, const char *path, ea_str text, int64_t max_bytes,
                       unsigned keep, ea_err *err)
{
    if (f->is_open && ea_now().mono_ms - f->opened_ms >= KEPT_OPEN_MS)
        ea_plat_append_close(f);
    if (!f->is_open && open_kept(f, path, err))
        return err->code;
    if (max_bytes > 0 && f->size > 0 && f->size > max_bytes - (int64_t)text.n) {
        ea_plat_append_close(f);
        roll(path, keep < KEEP_MAX ? keep : KEEP_MAX);
        if (open_kept(f, path, err))
            return err->code;
    }
    if (ea_file_write(f->handle, text, path, err)) {
        ea_plat_append_close(f);
        return err->code;
    }
    f->size += (int64_t)text.n;
    return EA_OK;
}
