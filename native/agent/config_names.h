/* config_names.h - names that look like settings and are none, so that no variable stays without effect in
 * silence. Pure; any thread. Knows: variables of the reference that mean nothing here (task-engine.md
 * section 8). Does not know: the settings, which config.h lists. */
#ifndef EA_AGENT_CONFIG_NAMES_H
#define EA_AGENT_CONFIG_NAMES_H

#include "../base/str.h"

#include <stdbool.h>

/* `name` is none of the settings. True: `text` says that it has no effect, and why; false: nobody meant it for
 * the agent. */
bool ea_config_stranger(ea_str name, char text[200]);

#endif
