/* settings_file.h - the service's settings: KEY=VALUE lines that the agent reads and the cmdlets
 * write. Keys of others and their order are kept. Thread: any. */
#ifndef EA_MANAGE_SETTINGS_FILE_H
#define EA_MANAGE_SETTINGS_FILE_H

#include "../base/err.h"
#include "place.h"

/* Lines into `out` (zeroed by the caller); an absent file is empty. EA_SETTINGS: the file in the usual place
 * belongs to somebody who must not say what the agent does. */
ea_code ea_settings_read(const char *path, ea_strmap *out, ea_err *err) EA_CHECK;
/* The folder is made; mode 0600. */
ea_code ea_settings_write(const char *path, const ea_strmap *settings, ea_err *err) EA_CHECK;
/* Copies what a service is told of its caller's environment: ECS_* and ECSTOOLS_*, region, metadata
 * endpoint, Docker, CA bundle, proxies; never keys or tokens. True when anything changed. */
bool ea_settings_from_env(ea_strmap *settings, const ea_envs *env);
/* A name that ea_settings_from_env copies. */
bool ea_settings_is_ours(ea_str name);
/* Sets or (value NULL) removes; true when that changed anything. */
bool ea_settings_set(ea_strmap *settings, const char *key, const char *value);

#endif
