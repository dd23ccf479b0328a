/* scratch.h - a folder of one test's own, and waiting for a condition. */
#ifndef EA_TEST_SCRATCH_H
#define EA_TEST_SCRATCH_H

#include <stdbool.h>

/* Made anew; removed with all its content by scratch_done(). Static storage. */
const char *scratch_new(void);
void scratch_done(void);
/* A path in the present scratch folder; a few at a time are kept. */
const char *scratch_path(const char *name);
/* Asks until it holds, for ten seconds at most. */
bool wait_until(bool (*holds)(void *ctx), void *ctx);

#endif
