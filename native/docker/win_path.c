#include "win_path.h"

#include "../base/alloc.h"
#include "../base/str.h"

#include <stdbool.h>
#include <string.h>

static bool is_slash(char c)
{
    return c == '\\' || c == '/';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Bytes of the volume in front: "c:" or "\\server\share"; 0 for none. */
static size_t volume_length(const char *p)
{
    size_t i;

    if (p[0] && p[1] == ':')
        return 2;
    if (!is_slash(p[0]) || !is_slash(p[1]) || !p[2] || is_slash(p[2]))
        return 0;
    for (i = 2; p[i] && !is_slash(p[i]); i++) {
    }
    if (!p[i] || !p[i + 1] || is_slash(p[i + 1]))
        return 0;
    for (i++; p[i] && !is_slash(p[i]); i++) {
    }
    return i;
}

/* Cleans what follows the volume, in place: never longer than it was, but "." for nothing at all. */
static void clean(char *p)
{
    size_t root = is_slash(p[0]) ? 1 : 0, read = 0, write = root, floor = root;

    if (root)
        p[0] = '\\';
    while (p[read]) {
        size_t start, n;
        bool up;

        while (is_slash(p[read]))
            read++;
        for (start = read; p[read] && !is_slash(p[read]); read++) {
        }
        n = read - start;
        up = n == 2 && p[start] == '.' && p[start + 1] == '.';
        if (n == 0 || (n == 1 && p[start] == '.') || (up && root && write == floor))
            continue; /* there is nothing above the root */
        if (up && write > floor) {
            do
                write--;
            while (write > floor && p[write] != '\\');
            continue;
        }
        if (write > root)
            p[write++] = '\\';
        memmove(p + write, p + start, n);
        write += n;
        if (up)
            floor = write; /* a leading ".." stays */
    }
    if (write == 0)
        p[write++] = '.';
    p[write] = '\0';
}

char *ea_win_path(const char *path)
{
    char *out;
    size_t volume;

    if (!path)
        return NULL;
    out = ea_strdup(path);
    for (char *p = out; *p; p++)
        *p = lower(*p);
    if (strstr(out, "\\\\.\\pipe\\") || (out[0] && out[1] == ':' && !out[2]))
        return out;
    volume = volume_length(out);
    for (size_t i = 0; i < volume; i++)
        if (out[i] == '/')
            out[i] = '\\';
    if (out[volume])
        clean(out + volume);
    return out;
}
