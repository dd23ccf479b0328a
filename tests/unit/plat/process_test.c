#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "plat/plat.h"
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* This program is its own child: with arguments it does what they say, and tells it in a file. */

static uv_sem_t asked_to_stop;

static void on_stop(void *arg)
{
    (void)arg;
    uv_sem_post(&asked_to_stop);
}

static void tell_in(const char *file, const char *text)
{
    ea_plat_file f = { 0 };
    ea_err err = { 0 };

    if (ea_plat_append(&f, file, ea_str_of(text), 0, 0, &err))
        exit(90);
    ea_plat_append_close(&f);
}

static int run_until_stopped(const char *file, const char *word)
{
    ea_err err = { 0 };

    (void)uv_sem_init(&asked_to_stop, 0);
    if (ea_plat_on_stop(on_stop, NULL, &err))
        return 91;
    if (ea_plat_on_stop(on_stop, NULL, &err) != EA_CONFLICT)
        return 92;
    tell_in(file, word);
    (void)puts("to the log");
    (void)fflush(stdout);
    uv_sem_wait(&asked_to_stop);
    ea_plat_off_stop();
    tell_in(file, " stopped");
    return 0;
}

static int child(char **argv)
{
    const char *marked = getenv("ECS_TEST_MARK");
    ea_err err = { 0 };

    if (strcmp(argv[1], "run") == 0)
        return run_until_stopped(argv[2], marked ? marked : "unmarked");
    if (strcmp(argv[1], "hold") == 0) { /* takes the lock and dies with it, unlocked by nobody */
        tell_in(argv[2], ea_plat_lock_dir(argv[3], &err) == EA_OK ? "locked" : err.text);
        return run_until_stopped(argv[2], ".");
    }
    return 93;
}

static int set_up(void **state)
{
    (void)state;
    (void)scratch_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_done();
    return 0;
}

static char self_path[4096];

static ea_process spawn(const char *what, const char *file, const char *dir)
{
    const char *argv[] = { self_path, what, file, dir, NULL };
    char **inherited = ea_plat_env();
    size_t n = 0;
    const char **env;
    struct ea_spawn s = { .program = self_path, .argv = argv };
    ea_process p = { 0 };
    ea_err err = { 0 };

    while (inherited[n])
        n++;
    env = ea_alloc_array(n + 2, sizeof(*env));
    for (size_t i = 0; i < n; i++)
        env[i] = inherited[i];
    env[n] = "ECS_TEST_MARK=marked \"with\" blanks\\";
    s.env = env;
    s.log_file = scratch_path("log");
    if (ea_plat_spawn(&s, &p, &err))
        fail_msg("%s", err.text);
    ea_free(env);
    ea_plat_env_free(inherited);
    return p;
}

struct expected {
    const char *path, *text;
};

static bool file_holds(void *ctx)
{
    const struct expected *e = ctx;
    EA_BUF_AUTO b = EA_BUF(10000);
    ea_err err = { 0 };

    return ea_plat_read_file(e->path, 10000, &b, &err) == EA_OK &&
           strstr(ea_buf_z(&b), e->text) != NULL;
}

static void await_text(const char *path, const char *text)
{
    struct expected e = { path, text };

    if (!wait_until(file_holds, &e))
        fail_msg("'%s' never stood in %s", text, path);
}

static bool is_dead(void *ctx)
{
    return !ea_plat_process_alive(ctx);
}

static void a_daemon_runs_with_its_own_environment_and_log_and_ends_when_asked(void **state)
{
    const char *file = scratch_path("told by the child");
    ea_process p = spawn("run", file, NULL);
    ea_err err = { 0 };

    (void)state;
    assert_true(p.pid > 0 && p.started > 0 && p.started < 9007199254740992);
    await_text(file, "marked \"with\" blanks\\");
    await_text(scratch_path("log"), "to the log");
    assert_true(ea_plat_process_alive(&p));
    assert_int_equal(ea_plat_process_stop(&p, &err), EA_OK);
    await_text(file, " stopped");
    assert_true(wait_until(is_dead, &p));
    assert_int_equal(ea_plat_process_stop(&p, &err), EA_NOT_FOUND);
}

static void another_process_with_the_same_pid_is_not_the_same_process(void **state)
{
    ea_process self = ea_plat_process_self(), other = self;
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(self.pid, ea_plat_pid());
    assert_true(ea_plat_process_alive(&self));
    other.started++;
    assert_false(ea_plat_process_alive(&other));
    assert_int_equal(ea_plat_process_stop(&other, &err), EA_NOT_FOUND);
    assert_int_equal(ea_plat_process_kill(&other, &err), EA_NOT_FOUND);
    other.started = 0; /* unknown: the pid alone counts */
    assert_true(ea_plat_process_alive(&other));
    other.pid = 0;
    assert_false(ea_plat_process_alive(&other));
}

static void a_killed_daemon_is_gone_at_once(void **state)
{
    const char *file = scratch_path("f");
    ea_process p = spawn("run", file, NULL);
    ea_err err = { 0 };

    (void)state;
    await_text(file, "marked");
    assert_int_equal(ea_plat_process_kill(&p, &err), EA_OK);
    assert_true(wait_until(is_dead, &p));
}

static void a_program_that_is_not_there_is_an_error_of_the_start(void **state)
{
    const char *argv[] = { "no-such", NULL };
    struct ea_spawn s = { .program = scratch_path("no-such"), .argv = argv };
    ea_process p = { 0 };
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_plat_spawn(&s, &p, &err), EA_NOT_FOUND);
    assert_non_null(strstr(err.text, "no-such"));
    assert_int_equal(p.pid, 0);
}

/* A dying process gives its files back thread by thread: its first may be gone before the lock is. */
static bool is_free(void *dir)
{
    const char **path = dir;

    return ea_plat_lock_holder(*path) == 0;
}

static void a_folder_has_one_owner_whose_pid_is_told(void **state)
{
    const char *dir = scratch_new(), *file = scratch_path("f");
    char pid[32];
    ea_process p;
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_plat_lock_holder(dir), 0);
    p = spawn("hold", file, dir);
    await_text(file, "locked.");
    (void)snprintf(pid, sizeof(pid), "process %lld", (long long)p.pid);
    assert_int_equal(ea_plat_lock_holder(dir), p.pid);
    assert_int_equal(ea_plat_lock_dir(dir, &err), EA_BUSY);
    assert_non_null(strstr(err.text, pid));
    assert_int_equal(ea_plat_process_kill(&p, &err), EA_OK);
    assert_true(wait_until(is_dead, &p));
    assert_true(wait_until(is_free, &dir));
    assert_int_equal(ea_plat_lock_dir(dir, &err), EA_OK);
    assert_int_equal(ea_plat_lock_holder(dir), ea_plat_pid());
    assert_int_equal(ea_plat_lock_dir(dir, &err), EA_BUSY);
    ea_plat_unlock_dir(dir);
    ea_plat_unlock_dir(dir);
    assert_int_equal(ea_plat_lock_holder(dir), 0);
    scratch_done();
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_daemon_runs_with_its_own_environment_and_log_and_ends_when_asked),
        cmocka_unit_test(another_process_with_the_same_pid_is_not_the_same_process),
        IN_SCRATCH(a_killed_daemon_is_gone_at_once),
        IN_SCRATCH(a_program_that_is_not_there_is_an_error_of_the_start),
        cmocka_unit_test(a_folder_has_one_owner_whose_pid_is_told),
    };
    size_t n = sizeof(self_path);

    if (argc > 1)
        return child(argv);
    if (uv_exepath(self_path, &n) != 0)
        return 94;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
