/* faulty_vfs.h - SQLite's file layer with a switch: chosen writes and flushes fail. Real files. */
#ifndef EA_TEST_FAULTY_VFS_H
#define EA_TEST_FAULTY_VFS_H

/* Installs it as the default for databases opened from now on. Once. */
void faulty_vfs_install(void);
/* The n-th write or flush from now on and all after it fail with `code` (an SQLITE_... code); 0: all
 * is well again. */
void faulty_vfs_fail_from(int n, int code);
/* Writes and flushes since the start. */
int faulty_vfs_changes(void);

#endif
