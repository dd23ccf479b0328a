/* pull_error.h - the text of a failed pull as the control plane is told it: hints where the cause is
 * known, presigned addresses of layers cut out. Pure. Source: task-engine.md section 1.7. */
#ifndef EA_ENGINE_PULL_ERROR_H
#define EA_ENGINE_PULL_ERROR_H

/* The caller frees the answer by ea_free. */
char *ea_pull_error_text(const char *text, const char *image);

#endif
