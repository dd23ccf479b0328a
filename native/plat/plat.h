/* plat.h - all that differs by operating system, as functions: plat/unix and plat/win have one file
 * of the same name for each group below, but for what is the same for both. Paths are UTF-8; Windows
 * turns them wide at the last call. Thread: any, unless said otherwise. No function here keeps state
 * that another call must undo but the directory lock and the stop handler. */
#ifndef EA_PLAT_PLAT_H
#define EA_PLAT_PLAT_H

#include "../base/buf.h"
#include "../base/err.h"
#include "../base/json.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- sysinfo.c ---- */
/* Known to the compiler, so that what is the other system's leaves no trace in the program. */
static inline bool ea_plat_is_windows(void)
{
#ifdef _WIN32
    return true;
#else
    return false;
#endif
}
int64_t ea_plat_pid(void);
/* Logical processors: usable by this process on Linux; over all processor groups on Windows. */
int64_t ea_plat_processors(void);
/* Emulators of foreign processors are installed (binfmt_misc, qemu-*); never on Windows. */
bool ea_plat_emulates(void);
int64_t ea_plat_memory_bytes(void); /* total physical; 0 when it cannot be read */
/* "LINUX", or "WINDOWS_SERVER_2022_FULL" by build number and InstallationType, else "windows"
 * (control-plane.md section 2). */
void ea_plat_os_family(char *out, size_t n);
/* Kernel release ("6.1.0-18-amd64"), or "10.0.20348" on Windows. */
void ea_plat_os_version(char *out, size_t n);
void ea_plat_hostname(char *out, size_t n);
void ea_plat_random(void *out,
                    size_t n); /* from the OS; fit for secrets; ends the process if it fails */
/* Folder of the running executable, and of this library (the executable's when it is linked in).
 * Without a trailing separator; caller frees. NULL when unknown. */
char *ea_plat_exe_dir(void);
char *ea_plat_lib_dir(void);
bool ea_plat_is_admin(void); /* root, or a member of Administrators with its rights in force */

/* ---- files.c ---- */
typedef enum ea_path_id {
    EA_PATH_CONFIG_FILE, /* /etc/ecs/ecs.config; %ProgramData%\Amazon\ECS\ecs.config */
    EA_PATH_CONFIG_JSON, /* /etc/ecs_container_agent/config.json, on Windows of the system's drive */
    EA_PATH_DATA_DIR,    /* /var/lib/ecs/data; %ProgramData%\Amazon\ECS\data */
    EA_PATH_LOG_DIR,     /* /var/log/ecs; %ProgramData%\Amazon\ECS\log */
    EA_PATH_AUDIT_FILE,  /* audit.log in the log directory */
    EA_PATH_RUN_DIR,     /* /run/ecs; %ProgramData%\Amazon\ECS\run */
    EA_PATH_LOCAL_DIR,   /* /var/lib/ecs/local; %ProgramData%\Amazon\ECS\local */
    EA_PATH_PROGRAM_DIR,        /* /usr/local/libexec/ecs; %ProgramFiles%\Amazon\ECS */
    EA_PATH_CREDENTIAL_SPECS,   /* NULL on Linux; %ProgramData%\docker\credentialspecs */
    EA_PATH_SHARED_CREDENTIALS, /* $HOME/.aws/credentials; profile's .aws\credentials */
} ea_path_id;
char *ea_plat_default_path(ea_path_id id); /* caller frees; the only place that names a path */
/* Socket in `run_dir`, or the pipe \\.\pipe\AmazonECS\control; caller frees. */
char *ea_plat_control_path(const char *run_dir);

/* EA_NOT_FOUND; EA_LIMIT when larger than max; EA_DENIED; EA_IO. The text names the path. */
ea_code ea_plat_read_file(const char *path, size_t max, ea_buf *out, ea_err *err) EA_CHECK;
/* Whole new content or the old one: written to a sibling, flushed, renamed. `mode`: POSIX bits; on
 * Windows 0600 and less keep everybody but SYSTEM and Administrators out. */
ea_code ea_plat_write_file(const char *path, ea_str content, unsigned mode, ea_err *err) EA_CHECK;
/* Makes an empty file if there is none, and lets nobody but the owner read it. */
ea_code ea_plat_private_file(const char *path, ea_err *err) EA_CHECK;
/* The path as other libraries can open it, however long it is; caller frees. */
char *ea_plat_native_path(const char *path);
ea_code ea_plat_rename(const char *from, const char *to, ea_err *err) EA_CHECK; /* replaces `to` */
ea_code ea_plat_make_dir(const char *path,
                         ea_err *err) EA_CHECK; /* with parents; 0700; exists: fine */
ea_code ea_plat_remove_file(const char *path, ea_err *err) EA_CHECK; /* absent: fine */
ea_code ea_plat_remove_empty_dir(const char *path,
                                 ea_err *err) EA_CHECK; /* absent, not empty: fine */
ea_code ea_plat_remove_tree(const char *path,
                            ea_err *err) EA_CHECK; /* absent: fine; no links followed */
ea_code ea_plat_copy_file(const char *from, const char *to, unsigned mode, ea_err *err) EA_CHECK;
bool ea_plat_exists(const char *path);

/* ---- append.c, the same for both ---- */
/* The file stays open for the next lines, so that each costs one write; that somebody else has renamed or
 * removed it is noticed within a second. One thread; all zero: closed. */
typedef struct ea_plat_file {
    intptr_t handle;
    bool is_open;
    int64_t opened_ms, size;
} ea_plat_file;
/* Appends (mode 0600 at creation, parents made). A file that would grow over max_bytes is renamed to
 * <path>.1 first, older ones move up, the one after `keep` goes. max_bytes 0: never. */
ea_code ea_plat_append(ea_plat_file *f, const char *path, ea_str text, int64_t max_bytes,
                       unsigned keep, ea_err *err) EA_CHECK;
void ea_plat_append_close(ea_plat_file *f);

/* ---- owners.c ---- */
/* Nobody but those who may change this program anyway has written it. Linux: root or this user owns it, others may
 * not write; Windows: Administrators, SYSTEM, the installer of Windows or this user own it. EA_DENIED says who else and
 * what to do; EA_NOT_FOUND. */
ea_code ea_plat_trusted_file(const char *path, ea_err *err) EA_CHECK;
/* As ea_plat_make_dir, for a folder that is this agent's alone. On Windows, where every user may make folders in
 * %ProgramData%, nobody but those of ea_plat_trusted_file() owns it or one above it: what others made and left
 * empty is made anew, what has something in it is EA_DENIED with the owner and what to do. One that takes rights from
 * above is closed to others, and so is all in it; what others put there before is EA_DENIED. Blocks while it looks. */
ea_code ea_plat_own_dir(const char *path, ea_err *err) EA_CHECK;
/* As ea_plat_make_dir, for a folder that is mounted into containers: whoever runs there may read what is in it. */
ea_code ea_plat_shared_dir(const char *path, ea_err *err) EA_CHECK;

/* ---- protect.c ---- */
/* Adds to `out` what only this machine can open again: DPAPI for the machine on Windows; on Linux the text itself,
 * whose file must be root's alone. */
ea_code ea_plat_protect(ea_str plain, ea_buf *out, ea_err *err) EA_CHECK;
ea_code ea_plat_unprotect(ea_str sealed, ea_buf *out, ea_err *err) EA_CHECK;

/* ---- dir_lock.c ---- */
/* Exclusive for this process until unlocked or the process ends. EA_BUSY names the holder's pid. */
ea_code ea_plat_lock_dir(const char *dir, ea_err *err) EA_CHECK;
void ea_plat_unlock_dir(const char *dir); /* not locked: fine */
/* The pid that holds the lock now; 0 when none. */
int64_t ea_plat_lock_holder(const char *dir);

/* ---- cgroup.c: what a container uses, from the kernel's own files instead of the engine. Windows:
 * EA_UNSUPPORTED ---- */
#define EA_CGROUP_FILES 5
struct ea_cgroup_place { /* where the files of one run of a container are; all zero: nowhere */
    int kept[EA_CGROUP_FILES]; /* descriptors + 1 of what is held open, 0 none; private */
    bool v2;
    char cpu[512], memory[512], storage[512]; /* folders */
    char net[512];                            /* the file */
    const char *storage_file;                 /* NULL: the kernel counts none */
    int64_t pid;                              /* a process of it; 0 none seen */
};
/* `root`: "" but in tests. `id`: full id of the container. `pid`: its first process, 0 when not known:
 * then the places that Docker uses by default are tried. EA_NOT_FOUND: not there, or not to be seen from
 * here (another namespace); a path that does not name the container is never taken. `out` is closed by
 * ea_plat_cgroup_close(), also one that was never found. */
ea_code ea_plat_cgroup_find(const char *root, const char *id, int64_t pid,
                            struct ea_cgroup_place *out, ea_err *err) EA_CHECK;
struct ea_cgroup_figures { /* the same counters that the engine tells */
    int64_t read_ns;       /* wall */
    uint64_t cpu_ns;       /* all processors together */
    uint64_t memory_bytes; /* without page cache */
    uint64_t storage_read, storage_write;
    bool has_network; /* all interfaces of its namespace but the loopback */
    uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped;
    uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
};
void ea_plat_cgroup_close(struct ea_cgroup_place *place); /* all zero again */
/* Fit for the loop: the files stay open, as long as that takes no more than half of the descriptors
 * that the process may have. Fails once the container has ended, also when its process' number is in
 * use again. */
ea_code ea_plat_cgroup_read(struct ea_cgroup_place *place, bool network,
                            struct ea_cgroup_figures *out, ea_err *err) EA_CHECK;

/* ---- task_group.c: limits of whole tasks, by a control group above those of their containers. Windows:
 * EA_UNSUPPORTED. `root`: where control groups are mounted. `path`: "/ecs/<task id>" ---- */
struct ea_task_limits { /* 0: no such limit */
    int64_t cpu_quota_us, cpu_period_us, cpu_shares, memory_bytes, pids;
};
/* Can groups with these limits be made? EA_UNSUPPORTED or EA_IO with what is missing. */
ea_code ea_plat_task_groups_usable(const char *root, ea_err *err) EA_CHECK;
/* Idempotent: made if need be, limits set. Some 50 us a limit; fit for the loop. */
ea_code ea_plat_task_group_make(const char *root, const char *path,
                                const struct ea_task_limits *limits, ea_err *err) EA_CHECK;
/* Absent: fine. EA_BUSY while something runs in it. */
ea_code ea_plat_task_group_remove(const char *root, const char *path, ea_err *err) EA_CHECK;

/* ---- ca_roots.c ---- */
/* PEM text of the machine's trusted roots. */
ea_code ea_plat_ca_roots(ea_buf *out, ea_err *err) EA_CHECK;

/* ---- netsetup.c ---- */
/* The address of the task endpoint: see hostnet.h. */
bool ea_plat_task_address_present(const char *ipv4);                         /* and usable */
ea_code ea_plat_task_address_remove(const char *ipv4, ea_err *err) EA_CHECK; /* absent: fine */
/* One of this host's addresses, or inside the subnet of a local bridge (Linux) or NAT network. */
bool ea_plat_is_local_source(const char *ipv4);
/* A listening (tcp) or bound (udp) socket on all addresses could be opened now. */
bool ea_plat_port_free(uint16_t port, bool udp);
/* The OS's range of ephemeral ports; Linux ip_local_port_range, fallback 49153-65535; Windows
 * 49152-65535 (task-engine.md section 3.4). */
void ea_plat_dynamic_ports(int64_t *first, int64_t *last);

/* ---- process.c ---- */
typedef struct ea_process { /* tells one process from a later one with the same pid */
    int64_t pid;
    int64_t started; /* OS start time, any unit; 0 unknown */
} ea_process;
struct ea_spawn {
    const char *program;     /* full path */
    const char *const *argv; /* [0] included, NULL at the end */
    const char *const *env;  /* NULL-terminated; NULL: inherit */
    const char *dir;         /* working directory; NULL: root of the drive */
    const char *log_file;    /* standard output and error, appended; NULL: null device */
};
/* Starts a daemon: new session, null standard input, no inherited descriptors, parent not waited for. */
ea_code ea_plat_spawn(const struct ea_spawn *spawn, ea_process *out, ea_err *err) EA_CHECK;
bool ea_plat_process_alive(const ea_process *p); /* that very process */
/* Asks it to end (SIGTERM; on Windows the stop event it waits for, see ea_plat_on_stop). */
ea_code ea_plat_process_stop(const ea_process *p, ea_err *err) EA_CHECK;
ea_code ea_plat_process_kill(const ea_process *p, ea_err *err) EA_CHECK;
ea_process ea_plat_process_self(void);

/* For a process of the agent's own, before anything else: libraries come from the system's folder alone, a
 * damaged heap ends the process. On Linux the loader's own rules do. */
void ea_plat_harden(void);

/* ---- signals.c ---- */
/* Calls fn(arg) once when SIGTERM or SIGINT comes, or Ctrl+C, Ctrl+Break, close and shut down of the
 * console, or the process's stop event. Called on a thread or signal context where only posting to
 * a loop is allowed. SIGPIPE is ignored from then on. */
ea_code ea_plat_on_stop(void (*fn)(void *arg), void *arg, ea_err *err) EA_CHECK;
void ea_plat_off_stop(void);

/* ---- service.c: a program as a service of the system. The manager is SCM on Windows; on Linux it is
 * systemd where that runs (a name is that of a unit, ".service" added), and where it does not, each call but
 * ea_plat_has_services() fails with EA_UNSUPPORTED. ---- */
bool ea_plat_has_services(void);
struct ea_service_spec {
    const char *name, *display_name, *description;
    const char *program;        /* full path; registered in quotes */
    const char *arguments;      /* as they stand */
    const char *const *depends; /* services that must run first; NULL-terminated; NULL: none */
    const char *const *env;     /* NAME=value of the service alone; NULL-terminated; NULL: none */
    const char *env_file;       /* more NAME=value lines, read at each start; NULL: none; Linux */
    const unsigned (*restart_s)[3]; /* seconds to wait after the first, second and later failures;
                                     * Linux: the first counts for all */
    int final_exit;          /* an exit code after which it is not started again; 0: none; Linux */
    unsigned preshutdown_ms; /* what a shutdown of the machine waits for it at most */
};
typedef enum ea_service_state {
    EA_SERVICE_ABSENT,
    EA_SERVICE_STOPPED,
    EA_SERVICE_STARTING,
    EA_SERVICE_RUNNING,
    EA_SERVICE_STOPPING,
} ea_service_state;
struct ea_service_info {
    ea_service_state state;
    int64_t pid;   /* 0: does not run */
    int exit_code; /* of the last end: 0 fine, the program's own code, or the system's error */
};
/* Registers it, or makes an existing registration just so (start type delayed automatic, unless an
 * administrator has disabled it; restarts also after a clean end with a code; administrators control, users
 * query). Idempotent. EA_DENIED; EA_BUSY while a removal is under way. */
ea_code ea_plat_service_install(const struct ea_service_spec *spec, ea_err *err) EA_CHECK;
ea_code ea_plat_service_remove(const char *name, ea_err *err) EA_CHECK; /* absent: fine */
ea_code ea_plat_service_query(const char *name, struct ea_service_info *out, ea_err *err) EA_CHECK;
ea_code ea_plat_service_start(const char *name,
                              ea_err *err) EA_CHECK; /* running: fine; not waited for */
ea_code ea_plat_service_stop(const char *name,
                             ea_err *err) EA_CHECK; /* stopped: fine; not waited for */
/* NAME=value lines of the service's own registration, and those of the machine; added to `out`. Windows;
 * systemd has put them into the environment of the process: EA_UNSUPPORTED. */
ea_code ea_plat_service_env(const char *name, ea_strlist *out, ea_err *err) EA_CHECK;
ea_code ea_plat_machine_env(ea_strlist *out, ea_err *err) EA_CHECK;
/* For a process that the system started as a service: answers the system first, then calls body(arg) once on
 * another thread. A stop, shutdown or preshutdown is what ea_plat_on_stop() tells, at once when it came
 * before that was called. Returns after the body, with its result in *exit_code; a code other than 0 is
 * the service's specific exit code. EA_REFUSED when this process was not started as a service. Windows; a
 * program of systemd needs none of this: EA_UNSUPPORTED. */
ea_code ea_plat_service_run(const char *name, int (*body)(void *arg), void *arg, int *exit_code,
                            ea_err *err) EA_CHECK;

/* ---- event_log.c: the system's own log of what operators act on. Nothing on Linux. ---- */
typedef enum ea_event_id { /* stable numbers: plat/win/messages.mc */
    EA_EVENT_NONE,
    EA_EVENT_STARTED,
    EA_EVENT_ENDED,
    EA_EVENT_REGISTERED,
    EA_EVENT_DOCKER,
    EA_EVENT_WAIT_OVER,
    EA_EVENT_WARNING,
    EA_EVENT_WAITING,
    EA_EVENT_ERROR,
    EA_EVENT_CANNOT_START,
    EA_EVENT_GAVE_UP,
    EA_EVENT_STORE,
    EA_EVENT_COUNT
} ea_event_id;
void ea_plat_event(ea_event_id id, const char *text); /* a failure is silent */
/* The source of these events, whose texts are in the library in `folder`. Idempotent. */
ea_code ea_plat_event_source_add(const char *folder, ea_err *err) EA_CHECK;
ea_code ea_plat_event_source_remove(ea_err *err) EA_CHECK; /* absent: fine */

/* ---- gmsa.c: what group managed service accounts need of Windows, as a table, so that a test can put
 * another in its place. Linux: nothing is there, every change is EA_UNSUPPORTED. ---- */
struct ea_gmsa_os {
    void *ctx;
    /* Folder of Docker's credential specs, %ProgramData%\docker\credentialspecs; NULL: not known. Caller
     * frees. */
    char *(*spec_dir)(void *ctx);
    /* Text values of a key below HKEY_LOCAL_MACHINE, made if it is not there; its old values stay. SYSTEM
     * and Administrators alone get at a new one. */
    ea_code (*set_texts)(void *ctx, const char *key, const ea_kv *values, size_t n, ea_err *err);
    ea_code (*delete_key)(void *ctx, const char *key, ea_err *err); /* absent: fine */
    bool (*key_exists)(void *ctx, const char *key);
    bool (*domain_joined)(void *ctx);
};
const struct ea_gmsa_os *ea_plat_gmsa(void);

/* ---- env.c ---- */
/* The process's environment as NAME=value in UTF-8, NULL-terminated; caller frees with
 * ea_plat_env_free. */
char **ea_plat_env(void);
void ea_plat_env_free(char **env); /* wipes: keys may be in it */

#endif
