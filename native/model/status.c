#include "status.h"

/* clang-format off */
/* Writing takes the first row with the value; the rows at the end are read only. */
const ea_jname ea_cstate_names[] = {
    { "NONE",                  EA_C_NONE },
    { "MANIFEST_PULLED",       EA_C_MANIFEST_PULLED },
    { "PULLED",                EA_C_PULLED },
    { "CREATED",               EA_C_CREATED },
    { "RUNNING",               EA_C_RUNNING },
    { "RESOURCES_PROVISIONED", EA_C_PROVISIONED },
    { "STOPPED",               EA_C_STOPPED },
    { "DEAD",                  EA_C_STOPPED },
    { "UNKNOWN",               EA_C_NONE },
    { NULL, 0 },
};

/* PULLED has no word on the wire and is never assigned to a task. */
const ea_jname ea_tstate_names[] = {
    { "NONE",            EA_T_NONE },
    { "MANIFEST_PULLED", EA_T_MANIFEST_PULLED },
    { "CREATED",         EA_T_CREATED },
    { "RUNNING",         EA_T_RUNNING },
    { "STOPPED",         EA_T_STOPPED },
    { "DEAD",            EA_T_STOPPED },
    { "UNKNOWN",         EA_T_NONE },
    { NULL, 0 },
};

const ea_jname ea_rstate_names[] = {
    { "NONE",    EA_R_NONE },
    { "CREATED", EA_R_CREATED },
    { "REMOVED", EA_R_REMOVED },
    { NULL, 0 },
};

const ea_jname ea_health_names[] = {
    { "UNKNOWN",   EA_HEALTH_UNKNOWN },
    { "HEALTHY",   EA_HEALTH_HEALTHY },
    { "UNHEALTHY", EA_HEALTH_UNHEALTHY },
    { NULL, 0 },
};

const ea_jname ea_condition_names[] = {
    { "START",    EA_DEP_START },
    { "COMPLETE", EA_DEP_COMPLETE },
    { "SUCCESS",  EA_DEP_SUCCESS },
    { "HEALTHY",  EA_DEP_HEALTHY },
    { "CREATE",   EA_DEP_CREATE },
    { NULL, 0 },
};
/* clang-format on */

static const char *word(const ea_jname *names, int value)
{
    for (const ea_jname *n = names; n->text; n++)
        if (n->value == value)
            return n->text;
    return "PULLED";
}

const char *ea_cstate_name(ea_cstate s)
{
    return word(ea_cstate_names, (int)s);
}

const char *ea_tstate_name(ea_tstate s)
{
    return word(ea_tstate_names, (int)s);
}

const char *ea_health_name(ea_health h)
{
    return word(ea_health_names, (int)h);
}

const char *ea_cstate_wire(ea_cstate s)
{
    switch (s) {
    case EA_C_MANIFEST_PULLED:
        return "PENDING";
    case EA_C_RUNNING:
    case EA_C_PROVISIONED:
        return "RUNNING";
    case EA_C_STOPPED:
        return "STOPPED";
    case EA_C_NONE:
    case EA_C_PULLED:
    case EA_C_CREATED:
    case EA_C_COUNT:
        break;
    }
    return NULL;
}

const char *ea_tstate_wire(ea_tstate s)
{
    switch (s) {
    case EA_T_RUNNING:
        return "RUNNING";
    case EA_T_STOPPED:
        return "STOPPED";
    case EA_T_NONE:
    case EA_T_MANIFEST_PULLED:
    case EA_T_PULLED:
    case EA_T_CREATED:
    case EA_T_COUNT:
        break;
    }
    return "PENDING";
}
