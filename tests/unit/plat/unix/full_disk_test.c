#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "plat/plat.h"
#include "store/store.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* A real volume of 300 kB in a mount namespace of its own. */

static char place[] = "/tmp/ecs-full-XXXXXX";

static const char *in_place(const char *name)
{
    static char path[4][200];
    static unsigned next;
    char *out = path[next++ % 4];

    (void)snprintf(out, sizeof(path[0]), "%s/%s", place, name);
    return out;
}

static void must(ea_code code, const ea_err *err)
{
    if (code)
        fail_msg("%s", err->text);
}

/* Takes all that is left; the file can be removed to give it back. */
static void fill(void)
{
    FILE *f = fopen(in_place("filler"), "a");
    char block[1024];

    assert_non_null(f);
    setbuf(f, NULL);
    memset(block, 'f', sizeof(block));
    for (size_t size = sizeof(block); size > 0; size /= 2) {
        while (fwrite(block, 1, size, f) == size) {
        }
    }
    (void)fclose(f);
}

static void a_file_that_finds_no_room_keeps_its_old_content(void **state)
{
    EA_BUF_AUTO b = EA_BUF(1000);
    EA_FREE_AUTO char *big = ea_alloc(400000);
    ea_err err = { 0 };

    (void)state;
    memset(big, 'x', 399999);
    must(ea_plat_write_file(in_place("f"), EA_STR("old"), 0600, &err), &err);
    assert_int_equal(ea_plat_write_file(in_place("f"), (ea_str){ big, 399999 }, 0600, &err), EA_IO);
    assert_int_equal(err.sys, ENOSPC);
    must(ea_plat_read_file(in_place("f"), 100, &b, &err), &err);
    assert_string_equal(ea_buf_z(&b), "old");
}

static void the_store_says_so_and_saves_once_there_is_room_again(void **state)
{
    EA_FREE_AUTO char *json = ea_alloc(20001);
    EA_FREE_AUTO char *back = NULL;
    ea_store *s = NULL;
    ea_code code;
    ea_err err = { 0 };

    (void)state;
    memset(json, 'j', 20000);
    must(ea_store_open(in_place("agent.db"), &s, &err), &err);
    fill();
    must(ea_store_begin(s, &err), &err);
    code = ea_store_put_task(s, "t/a", json, &err);
    if (code == EA_OK)
        code = ea_store_commit(s, &err);
    assert_int_equal(code, EA_STORE);
    assert_non_null(strstr(err.text, "free space"));
    ea_store_rollback(s);
    must(ea_plat_remove_file(in_place("filler"), &err), &err);
    must(ea_store_begin(s, &err), &err);
    must(ea_store_put_task(s, "t/a", json, &err), &err);
    must(ea_store_commit(s, &err), &err);
    ea_store_close(s);
    must(ea_store_open(in_place("agent.db"), &s, &err), &err);
    must(ea_store_get_task(s, "t/a", &back, &err), &err);
    assert_string_equal(back, json);
    ea_store_close(s);
}

static int small_volume(void **state)
{
    (void)state;
    if (mkdtemp(place) && unshare(CLONE_NEWNS) == 0 &&
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("none", place, "tmpfs", 0, "size=300k") == 0)
        return 0;
    (void)fprintf(stderr, "this test needs root: %s\n", strerror(errno));
    return -1;
}

static int remove_volume(void **state)
{
    (void)state;
    return umount(place) == 0 && rmdir(place) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_finds_no_room_keeps_its_old_content),
        cmocka_unit_test(the_store_says_so_and_saves_once_there_is_room_again),
    };

    return cmocka_run_group_tests(tests, small_volume, remove_volume);
}
