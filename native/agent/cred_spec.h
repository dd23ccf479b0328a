/* cred_spec.h - credential specs of group managed service accounts: how a task names one, what its file
 * is called, how a domainless one is completed. Pure.
 * Source: task-engine.md section 7.1, endpoints-and-windows.md section 3.8. */
#ifndef EA_AGENT_CRED_SPEC_H
#define EA_AGENT_CRED_SPEC_H

#include "../model/task.h"

typedef enum ea_spec_source {
    EA_SPEC_FILE, /* credentialspec:file://<name below Docker's folder> */
    EA_SPEC_S3,
    EA_SPEC_SSM,
} ea_spec_source;

typedef struct ea_cred_spec {
    bool domainless; /* credentialspecdomainless: */
    ea_spec_source source;
    const char *value; /* the file's name, or the ARN; borrowed from the parsed text */
} ea_cred_spec;

/* What the container names: its first credentialSpecs, else a security option of its raw configuration.
 * NULL: none. The caller frees. */
char *ea_cred_spec_of(const struct ea_container *c);
/* EA_INVALID: another form, or a file outside the folder; the text names it. */
ea_code ea_cred_spec_parse(const char *text, ea_cred_spec *out, ea_err *err) EA_CHECK;
/* The file in Docker's folder that the container gets; the caller frees. `made`: by the agent, which
 * removes it again. */
char *ea_cred_spec_file(const ea_cred_spec *spec, const char *task_arn, const char *container,
                        bool *made);
/* HKEY_LOCAL_MACHINE's subkey with the task's credentials; the caller frees. */
char *ea_cred_spec_key(const char *task_arn);
/* A domainless spec with the place of that key in it; all other members stay. *out: ea_free. EA_INVALID:
 * no credential spec for a plug-in. */
ea_code ea_cred_spec_complete(ea_str json, const char *task_arn, char **out, ea_err *err) EA_CHECK;

#endif
