/* stop_event.h - how a process is asked to end: the named event that process.c sets and signals.c waits
 * for (Windows has no SIGTERM), and the same request from the service control manager. */
#ifndef EA_PLAT_WIN_STOP_EVENT_H
#define EA_PLAT_WIN_STOP_EVENT_H

#include <stdint.h>
#include <wchar.h>

/* In the global namespace: service and shell are in different sessions. */
static inline void ea_stop_event_name(int64_t pid, wchar_t out[64])
{
    (void)swprintf(out, 64, L"Global\\AmazonECS-stop-%lld", (long long)pid); /* always fits */
}

/* From now on sign-offs and shut-downs are the service control manager's to tell, not the console's. */
void ea_stop_as_service(void);
/* The same as the event: told to the handler, or kept for it while none is set. Any thread. */
void ea_stop_ask(void);

#endif
