/* url_test.c - the parts of a URL, and what is refused. */
#include "base/alloc.h"
#include "net/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void parts_are_found_or_the_text_is_refused(void **state)
{
    static const struct {
        const char *text, *host, *host_header, *path, *query; /* host NULL: refused */
        unsigned port;
        bool tls;
    } cases[] = {
        { "https://a.example/", "a.example", "a.example", "/", "", 443, true },
        { "http://a.example", "a.example", "a.example", "/", "", 80, false },
        { "HTTPS://a:443/x?y=z#f", "a", "a", "/x", "y=z", 443, true },
        { "wss://a:8443/ws?b=%2B&c", "a", "a:8443", "/ws", "b=%2B&c", 8443, true },
        { "ws://127.0.0.1:80?q", "127.0.0.1", "127.0.0.1", "/", "q", 80, false },
        { "http://[::1]:81/p", "::1", "[::1]:81", "/p", "", 81, false },
        { "http://[fd00:ec2::254]/", "fd00:ec2::254", "[fd00:ec2::254]", "/", "", 80, false },
        { "ftp://a/", NULL, "", "", "", 0, false },
        { "a.example/", NULL, "", "", "", 0, false },
        { "http:///x", NULL, "", "", "", 0, false },
        { "http://u@a/", NULL, "", "", "", 0, false },
        { "http://a:/", NULL, "", "", "", 0, false },
        { "http://a:65536/", NULL, "", "", "", 0, false },
        { "http://a:8x/", NULL, "", "", "", 0, false },
        { "http://[::1/", NULL, "", "", "", 0, false },
        { "http://[::1]x/", NULL, "", "", "", 0, false },
        { "http://a/ b", NULL, "", "", "", 0, false },
        { "http://a/\r\nX: y", NULL, "", "", "", 0, false },
        { "", NULL, "", "", "", 0, false },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_BUF_AUTO host = EA_BUF(256);
        ea_url u;
        ea_err err = { 0 };
        ea_code rc = ea_url_parse(ea_str_of(cases[i].text), &u, &err);

        if (rc != (cases[i].host ? EA_OK : EA_INVALID))
            fail_msg("%s: %s %s", cases[i].text, ea_code_name(rc), err.text);
        if (rc)
            continue;
        ea_url_add_host(&host, &u);
        if (!ea_str_eqz(u.host, cases[i].host) ||
            strcmp(ea_buf_z(&host), cases[i].host_header) != 0 ||
            !ea_str_eqz(u.path, cases[i].path) || !ea_str_eqz(u.query, cases[i].query) ||
            u.port != cases[i].port || u.tls != cases[i].tls)
            fail_msg("%s: host %.*s, header %s, path %.*s, query %.*s, port %u", cases[i].text,
                     EA_STR_FMT(u.host), ea_buf_z(&host), EA_STR_FMT(u.path), EA_STR_FMT(u.query),
                     u.port);
    }
}

static void parameters_are_escaped_as_they_are_signed(void **state)
{
    EA_BUF_AUTO url = EA_BUF(256);

    (void)state;
    ea_buf_adds(&url, "wss://a/ws");
    ea_url_add_param(&url, "dockerVersion", "DockerVersion: 20.10+x");
    ea_url_add_param(&url, "b", "");
    assert_string_equal(ea_buf_z(&url), "wss://a/ws?dockerVersion=DockerVersion%3A%2020.10%2Bx&b=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found_or_the_text_is_refused),
        cmocka_unit_test(parameters_are_escaped_as_they_are_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
