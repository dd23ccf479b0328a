/* service_env.h - the environment that the agent sees when the system starts it as a service. What the
 * service's own registration says goes first, then its settings file, then the machine's variables: so an old
 * machine-wide ECS_CLUSTER does not undo what Initialize-ECSAgent wrote, and a machine that is set up by
 * machine-wide variables alone (endpoints-and-windows.md section 3.7) works too.
 * Thread: any. */
#ifndef EA_MANAGE_SERVICE_ENV_H
#define EA_MANAGE_SERVICE_ENV_H

#include "../base/json.h"

/* Pure. `process`: NAME=value, NULL-terminated; `service` and `machine`: NAME=value; `file`: lines of the
 * settings file. The result is made for ea_plat_env_free(). log_file: where the log goes when no source names
 * a file, since a service has no console. */
char **ea_service_env_merge(const char *const *process, const ea_strlist *service,
                            const ea_strmap *file, const ea_strlist *machine, const char *log_file);

/* The same from the real sources; one that cannot be read is told in the log and counts as empty. */
char **ea_service_env(const char *const *process);

#endif
