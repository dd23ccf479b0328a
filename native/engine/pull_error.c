#include "pull_error.h"

#include "../base/alloc.h"
#include "../base/buf.h"
#include "../base/str.h"

#include <string.h>

enum {
    TEXT_MAX = 8192
};

static const char *hint_for(const char *text)
{
    const char *user = strstr(text, "denied: User: ");

    if (user && strstr(user + strlen("denied: User: ") + 1,
                       " is not authorized to perform: ecr:BatchGetImage on resource"))
        return "The task's role may not pull from this repository: check that it allows "
               "ecr:BatchGetImage. ";
    if (strstr(text, "denied: requested access to the resource is denied"))
        return "The image may not exist, or needs a login: check its name and the registry "
               "credentials. ";
    if (strstr(text, "request canceled while waiting for connection"))
        return "The registry did not answer: check the network configuration of the host. ";
    return "";
}

static bool ends_token(char ch)
{
    return ch == '\0' || ch == ' ' || ch == '"' || ch == '\t' || ch == '\n';
}

char *ea_pull_error_text(const char *text, const char *image)
{
    EA_BUF_AUTO b = EA_BUF(TEXT_MAX);
    char *out = NULL;
    ea_err err = { 0 };

    ea_buf_adds(&b, hint_for(text));
    while (*text) {
        size_t n = 0;

        if (strncmp(text, "https", 5) == 0) {
            while (!ends_token(text[n]))
                n++;
            EA_FREE_AUTO char *token = ea_strndup(text, n);
            if (strstr(token, "starport-layer-bucket")) {
                ea_buf_addf(&b, "REDACTED ECR URL related to %s", image ? image : "");
                text += n;
                continue;
            }
        }
        ea_buf_addc(&b, *text++);
    }
    if (ea_buf_take(&b, &out, &err))
        return ea_strdup(err.text);
    return out ? out : ea_strdup("");
}
