#include "report/publish_queue.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void add(struct ea_publish_queue *q, const char *text)
{
    ea_strlist l = { NULL, 0 };

    ea_strlist_add(&l, text);
    ea_publish_queue_add(q, &l);
    assert_int_equal(l.n, 0);
}

static void takes(struct ea_publish_queue *q, const char *want)
{
    ea_strlist l = { NULL, 0 };

    assert_true(ea_publish_queue_next(q, true, 0, &l));
    assert_int_equal(l.n, 1);
    assert_string_equal(l.v[0], want);
    ea_strlist_free(&l);
}

static void what_waits_goes_in_order_and_only_where_it_is_read(void **state)
{
    struct ea_publish_queue q;
    ea_strlist none = { NULL, 0 };

    (void)state;
    ea_publish_queue_init(&q);
    ea_publish_queue_add(&q, &none);
    assert_false(ea_publish_queue_next(&q, true, 0, &none));
    add(&q, "a");
    add(&q, "b");
    assert_false(ea_publish_queue_next(&q, false, 0, &none));
    assert_false(ea_publish_queue_next(&q, true, EA_PUBLISH_UNREAD_MAX + 1, &none));
    takes(&q, "a");
    takes(&q, "b");
    assert_false(ea_publish_queue_next(&q, true, 0, &none));
    ea_publish_queue_done(&q);
}

static void of_too_many_the_oldest_go(void **state)
{
    struct ea_publish_queue q;

    (void)state;
    ea_publish_queue_init(&q);
    for (int i = 0; i < EA_PUBLISH_WAITING_MAX + 3; i++) {
        char text[2] = { (char)('a' + i), '\0' };

        add(&q, text);
    }
    assert_int_equal(q.n, EA_PUBLISH_WAITING_MAX);
    takes(&q, "d");
    ea_publish_queue_done(&q);
    assert_int_equal(q.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_goes_in_order_and_only_where_it_is_read),
        cmocka_unit_test(of_too_many_the_oldest_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
