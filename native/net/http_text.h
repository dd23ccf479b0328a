/* http_text.h - the text side of HTTP/1.1 for the server: paths, queries, response heads. Pure.
 * Thread: any. */
#ifndef EA_NET_HTTP_TEXT_H
#define EA_NET_HTTP_TEXT_H

#include "../base/buf.h"
#include "http_server.h"

/* Path of a request target, unescaped and cleaned: begins with a slash, no empty, "." or ".." parts
 * (".." never leaves the root), a slash at the end stays. Absolute targets ("http://host/x") lose
 * scheme and host. *raw gets the escaped path (caller frees both by ea_free). */
ea_code ea_http_clean_path(ea_str target, char **path, char **raw, ea_err *err) EA_CHECK;
/* First value of `name` in a query string, unescaped; false when absent or badly escaped. */
bool ea_http_query_find(const char *query, const char *name, char **value);
/* Status line and headers with the empty line. Content-Length is always there. */
void ea_http_add_head(ea_buf *b, const ea_http_response *resp, int64_t now_ms, bool keep_alive);
/* "Sun, 06 Nov 1994 08:49:37 GMT" */
void ea_http_add_date(ea_buf *b, int64_t wall_ms);
/* The comma separated header value holds the token, without case: "keep-alive, Upgrade". */
bool ea_http_has_token(const char *value, const char *token);

#endif
