/* image_platform.h - can an image's platform run on this engine? Pure.
 * It refuses only what is certain; whatever is not told (an empty member, no platform at all, an entry
 * "unknown" as attestations have it) passes, and the pull itself decides. Rules:
 *   - the operating system must be the engine's;
 *   - the architecture must be the engine's, or one that its processors run as well: 386 on amd64, arm
 *     on arm64. Variants (arm v6, v7) are not judged. Where an operator has installed
 *     emulators of foreign processors no architecture is certain, and Docker decides;
 *   - Windows: an image of a newer build than the host's never runs. An older one runs in process
 *     isolation on the same build alone, but hosts from build 20348 (Server 2022) on also run all
 *     images from 20348 up; under Hyper-V isolation every older one runs. The build is the third
 *     number of the version; major and minor must agree.
 * Sources: Microsoft's page "Windows container version compatibility" and the check of the engine's own
 * library (hcsshim, osversion.CheckHostAndContainerCompat); OCI image index, member `platform`. */
#ifndef EA_DOCKER_IMAGE_PLATFORM_H
#define EA_DOCKER_IMAGE_PLATFORM_H

#include "../base/str.h"

#include <stdbool.h>

struct ea_platform { /* members may be NULL or "": not told. Borrowed */
    const char *os, *arch, *os_version, *variant;
};

struct ea_platform_host {
    const char *os, *arch; /* as Docker tells them: "windows", "amd64" */
    const char *kernel; /* KernelVersion of GET /version: "10.0 20348 (20348.1....)" on Windows */
    bool hyperv;        /* the container or the engine asks for Hyper-V isolation */
    bool emulates;      /* foreign processors are emulated here */
};

#define EA_PLATFORM_TEXT_MAX 384
/* True when none of the n platforms can run here; `why` names the image's and the host's. */
bool ea_platform_refused(const struct ea_platform_host *host, const struct ea_platform *v, size_t n,
                         char why[EA_PLATFORM_TEXT_MAX]);

#endif
