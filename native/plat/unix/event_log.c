#include "../plat.h"

/* Lines of the log file and of standard error are the system's own log here (journald keeps the latter). */

void ea_plat_event(ea_event_id id, const char *text)
{
    (void)id;
    (void)text;
}

ea_code ea_plat_event_source_add(const char *folder, ea_err *err)
{
    (void)folder;
    (void)err;
    return EA_OK;
}

ea_code ea_plat_event_source_remove(ea_err *err)
{
    (void)err;
    return EA_OK;
}
