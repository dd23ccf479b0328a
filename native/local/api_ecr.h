/* api_ecr.h - the one call of the Amazon ECR API that pulls need: GetAuthorizationToken.
 * Thread: loop. Whoever has a key may call it; the registry itself checks what it gets. */
#ifndef EA_LOCAL_API_ECR_H
#define EA_LOCAL_API_ECR_H

#include "local_api.h"
#include "shape.h"

#define EA_LC_ECR_TARGET "AmazonEC2ContainerRegistry_V20150921."

ea_lc_fn *ea_lc_ecr_find(const char *operation);
const ea_lc_shape *ea_lc_ecr_shape(const char *operation);
/* Its table as a JSON object by operation name, for the comparison with the published model. */
void ea_lc_ecr_print(ea_buf *out);

#endif
