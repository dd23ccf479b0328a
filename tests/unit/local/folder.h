/* folder.h - a folder of one test's own. */
#ifndef EA_TEST_LOCAL_FOLDER_H
#define EA_TEST_LOCAL_FOLDER_H

const char *folder_new(void); /* empty; removed with all its content by folder_done() */
const char *folder_path(const char *name); /* in the present folder; valid until the next call */
void folder_done(void);

#endif
