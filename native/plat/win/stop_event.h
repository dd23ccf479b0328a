/* stop_event.h - the named event that asks a process to end: signals.c waits for it, process.c sets
 * it. Windows has no SIGTERM. */
#ifndef EA_PLAT_WIN_STOP_EVENT_H
#define EA_PLAT_WIN_STOP_EVENT_H

#include <stdint.h>
#include <wchar.h>

/* In the global namespace: service and shell are in different sessions. */
static inline void ea_stop_event_name(int64_t pid, wchar_t out[64])
{
    (void)swprintf(out, 64, L"Global\\AmazonECS-stop-%lld", (long long)pid); /* always fits */
}

#endif
