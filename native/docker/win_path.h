/* win_path.h - paths of mounts in a Windows task, made canonical. Pure, the same on every platform.
 * Source: task-engine.md section 3.8. */
#ifndef EA_DOCKER_WIN_PATH_H
#define EA_DOCKER_WIN_PATH_H

/* Lower case; a bare drive and named pipes stay as they are, everything else is cleaned: back
 * slashes, no `.`, `..` or doubles, none at the end. NULL gives NULL; the caller frees. */
char *ea_win_path(const char *path);

#endif
