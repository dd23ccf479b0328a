#include "../plat.h"

#include "../../base/alloc.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

int64_t ea_plat_pid(void)
{
    return getpid();
}

int64_t ea_plat_processors(void)
{
    cpu_set_t set;
    long online = sysconf(_SC_NPROCESSORS_ONLN);

    /* Fails on hosts with more processors than the set has bits. */
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return CPU_COUNT(&set);
    return online > 0 ? online : 1;
}

bool ea_plat_emulates(void)
{
    DIR *formats = opendir("/proc/sys/fs/binfmt_misc");
    const struct dirent *e;
    bool any = false;

    if (!formats)
        return false;
    while (!any && (e = readdir(formats)))
        any = strncmp(e->d_name, "qemu-", 5) == 0;
    (void)closedir(formats); /* was only read */
    return any;
}

int64_t ea_plat_memory_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

    return pages > 0 && size > 0 ? (int64_t)pages * size : 0;
}

void ea_plat_os_family(char *out, size_t n)
{
    (void)snprintf(out, n, "LINUX"); /* the caller's size is his limit */
}

void ea_plat_os_version(char *out, size_t n)
{
    struct utsname u;

    (void)snprintf(out, n, "%s", uname(&u) == 0 ? u.release : ""); /* the same */
}

void ea_plat_hostname(char *out, size_t n)
{
    char name[HOST_NAME_MAX + 1] = "";

    if (gethostname(name, sizeof(name)) != 0)
        name[0] = '\0';
    name[sizeof(name) - 1] = '\0';
    (void)snprintf(out, n, "%s", name); /* the same */
}

void ea_plat_random(void *out, size_t n)
{
    unsigned char *p = out;

    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            (void)fprintf(stderr, "ecsagent: no random numbers from the system\n"); /* last words */
            abort();
        }
        p += got;
        n -= (size_t)got;
    }
}

/* Cuts the file name off; NULL when there is no folder in front of it. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return NULL;
    return slash == path ? ea_strdup("/") : ea_strndup(path, (size_t)(slash - path));
}

char *ea_plat_exe_dir(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (n <= 0)
        return NULL;
    path[n] = '\0';
    return folder_of(path);
}

static const char here; /* an address inside this library */

char *ea_plat_lib_dir(void)
{
    char path[PATH_MAX];
    Dl_info info;

    if (dladdr(&here, &info) == 0 || !info.dli_fname || !realpath(info.dli_fname, path))
        return ea_plat_exe_dir();
    return folder_of(path);
}

bool ea_plat_is_admin(void)
{
    return geteuid() == 0;
}
