/* gmsa.h - credential specs of tasks on the Windows host: files in Docker's folder, and the registry key
 * from which the plug-in for domainless ones takes the task's credentials. All calls of the system go
 * through ea_agent.gmsa.
 * Private to agent/. Thread: loop. Knows: names of files and keys. Does not know: where specs come from.
 * Source: task-engine.md section 7.1. What was made is found again from the task alone, so that nothing
 * stays behind after a restart of the agent. */
#ifndef EA_AGENT_GMSA_H
#define EA_AGENT_GMSA_H

#include "agent.h"
#include "cred_spec.h"

#define EA_SPEC_MAX (64 * 1024) /* bytes of a credential spec */

/* The content of a file that is there already, for a domainless spec. */
ea_code ea_gmsa_read(ea_agent *ag, const ea_cred_spec *spec, ea_buf *out, ea_err *err) EA_CHECK;
/* Writes the spec's file if the agent makes it, and the key's values if it is domainless. `content` is
 * not used for a plain file. *mapping: what Docker is told; the caller frees. */
ea_code ea_gmsa_place(ea_agent *ag, const ea_cred_spec *spec, const char *task_arn,
                      const char *container, ea_str content, const ea_aws_creds *creds,
                      char **mapping, ea_err *err) EA_CHECK;
/* The task has ended: files and key go. */
void ea_gmsa_forget(ea_agent *ag, const struct ea_task *t);
/* Credentials have come: those of a domainless task's execution role are written again. False when that
 * failed: they are not acknowledged then, and come again. */
bool ea_gmsa_refresh(ea_agent *ag, const char *credentials_id);

#endif
