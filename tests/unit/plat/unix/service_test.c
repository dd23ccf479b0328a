#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "plat/plat.h"
#include "plat/unix/run_command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A fake systemctl stands in for the real one: it writes its arguments into the file `calls`, answers `show`
 * with the file `answer`, and fails a verb with the words in fail-<verb> and the exit code in code-<verb>. */
static const char fake_systemctl[] = "#!/bin/sh\n"
                                     "dir=${0%/*}\n"
                                     "echo \"$*\" >>\"$dir/calls\"\n"
                                     "for verb; do\n"
                                     "    case $verb in -*) ;; *) break ;; esac\n"
                                     "done\n"
                                     "[ \"$verb\" != show ] || cat \"$dir/answer\"\n"
                                     "if [ -e \"$dir/fail-$verb\" ]; then\n"
                                     "    cat \"$dir/fail-$verb\" >&2\n"
                                     "    exit \"$(cat \"$dir/code-$verb\")\"\n"
                                     "fi\n";

#define SHOW                                                                                       \
    "--no-ask-password show --property=LoadState,ActiveState,UnitFileState,NeedDaemonReload,"      \
    "MainPID,ExecMainCode,ExecMainStatus AmazonECS.service\n"
#define RUNS                                                                                       \
    "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n"           \
    "MainPID=4711\nExecMainCode=0\nExecMainStatus=0\n"

static char root[64];

/* A path in the folder of the fake; a few at a time are kept. */
static const char *in_root(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *out = paths[next++ % EA_COUNT(paths)];

    (void)snprintf(out, sizeof(paths[0]), "%s/%s", root, name);
    return out;
}

static void put(const char *name, const char *text, unsigned mode)
{
    ea_err err = { 0 };

    if (ea_plat_write_file(in_root(name), ea_str_of(text), mode, &err))
        fail_msg("%s", err.text);
}

static void assert_text(const char *name, const char *expected)
{
    EA_BUF_AUTO b = EA_BUF(100000);
    ea_err err = { 0 };

    if (ea_plat_read_file(in_root(name), 100000, &b, &err) && err.code != EA_NOT_FOUND)
        fail_msg("%s", err.text);
    assert_string_equal(ea_buf_z(&b), expected);
}

static void forget_calls(void)
{
    ea_err err = { 0 };

    assert_int_equal(ea_plat_remove_file(in_root("calls"), &err), EA_OK);
}

static void refuse(const char *verb, const char *code, const char *words)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "code-%s", verb);
    put(name, code, 0600);
    (void)snprintf(name, sizeof(name), "fail-%s", verb);
    put(name, words, 0600);
}

static void refuse_no_more(const char *verb)
{
    char name[64];
    ea_err err = { 0 };

    (void)snprintf(name, sizeof(name), "fail-%s", verb);
    assert_int_equal(ea_plat_remove_file(in_root(name), &err), EA_OK);
}

static int set_up(void **state)
{
    ea_err err = { 0 };

    (void)state;
    (void)snprintf(root, sizeof(root), "/tmp/ecs-systemd-XXXXXX");
    if (!mkdtemp(root) || setenv("ECSTOOLS_TEST_SYSTEMD", root, 1) ||
        ea_plat_make_dir(in_root("run"), &err) || ea_plat_make_dir(in_root("units"), &err) ||
        ea_plat_write_file(in_root("systemctl"), ea_str_of(fake_systemctl), 0700, &err))
        return -1;
    put("answer", RUNS, 0600);
    return 0;
}

static int tear_down(void **state)
{
    ea_err err = { 0 };

    (void)state;
    if (ea_plat_remove_tree(root, &err))
        return -1;
    return unsetenv("ECSTOOLS_TEST_SYSTEMD");
}

static const unsigned restart_s[3] = { 5, 30, 60 };

static struct ea_service_spec agent(void)
{
    return (struct ea_service_spec){
        .name = "AmazonECS",
        .display_name = "Amazon ECS",
        .description = "Runs 100% of the tasks.",
        .program = "/opt/a b 5% $c/ecsagent",
        .arguments = "",
        .restart_s = &restart_s,
        .final_exit = 5,
        .preshutdown_ms = 29001,
    };
}

/* ---- registration ---- */

static void the_unit_says_what_the_service_is_and_is_enabled_once(void **state)
{
    static const char *const depends[] = { "docker", "a.socket", NULL };
    static const char *const env[] = { "ECSTOOLS_RUNDIR=/run/with blank", "A=\\\"%", NULL };
    struct ea_service_spec spec = agent();
    ea_err err = { 0 };

    (void)state;
    spec.depends = depends;
    spec.env = env;
    spec.env_file = "/etc/ecs/100% mine.config";
    assert_true(ea_plat_has_services());
    if (ea_plat_service_install(&spec, &err))
        fail_msg("%s", err.text);
    assert_text("units/AmazonECS.service",
                "# Written anew by each start of the service through its cmdlets; additions go to "
                "AmazonECS.service.d/*.conf.\n"
                "[Unit]\n"
                "Description=Amazon ECS: Runs 100%% of the tasks.\n"
                "Wants=docker.service a.socket\n"
                "After=network.target docker.service a.socket\n"
                "StartLimitIntervalSec=0\n"
                "\n"
                "[Service]\n"
                "Type=simple\n"
                "User=root\n"
                "Environment=\"ECSTOOLS_RUNDIR=/run/with blank\"\n"
                "Environment=\"A=\\\\\\\"%%\"\n"
                "EnvironmentFile=-/etc/ecs/100%% mine.config\n"
                "ExecStart=\"/opt/a b 5%% $c/ecsagent\"\n"
                "Restart=on-failure\n"
                "RestartSec=5\n"
                "RestartPreventExitStatus=5\n"
                "KillMode=process\n"
                "TimeoutStopSec=30\n"
                "StandardOutput=journal\n"
                "StandardError=journal\n"
                "\n"
                "[Install]\n"
                "WantedBy=multi-user.target\n");
    assert_text("calls", "--no-ask-password daemon-reload\n"
                         "--no-ask-password enable AmazonECS.service\n");
    forget_calls();
    assert_int_equal(ea_plat_service_install(&spec, &err), EA_OK);
    assert_text("calls", SHOW); /* nothing has changed */
}

static void a_service_that_needs_nothing_has_no_such_lines(void **state)
{
    EA_BUF_AUTO text = EA_BUF(100000);
    struct ea_service_spec spec = agent();
    ea_err err = { 0 };

    (void)state;
    spec.final_exit = 0;
    spec.arguments = "-loglevel debug";
    assert_int_equal(ea_plat_service_install(&spec, &err), EA_OK);
    assert_int_equal(ea_plat_read_file(in_root("units/AmazonECS.service"), 100000, &text, &err),
                     EA_OK);
    assert_null(strstr(ea_buf_z(&text), "Wants="));
    assert_non_null(strstr(ea_buf_z(&text), "\nAfter=network.target\n"));
    assert_null(strstr(ea_buf_z(&text), "Environment"));
    assert_null(strstr(ea_buf_z(&text), "RestartPrevent"));
    assert_non_null(strstr(ea_buf_z(&text), "/ecsagent\" -loglevel debug\n"));
}

static void a_changed_unit_is_read_again_but_one_that_somebody_disabled_is_not_enabled(void **state)
{
    struct ea_service_spec spec = agent();
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_plat_service_install(&spec, &err), EA_OK);
    forget_calls();
    put("answer", "LoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\n", 0600);
    spec.program = "/opt/newer/ecsagent";
    assert_int_equal(ea_plat_service_install(&spec, &err), EA_OK);
    assert_text("calls", SHOW "--no-ask-password daemon-reload\n");
    forget_calls();
    put("answer", "LoadState=loaded\nActiveState=inactive\nNeedDaemonReload=yes\n", 0600);
    assert_int_equal(ea_plat_service_install(&spec, &err), EA_OK);
    assert_text("calls", SHOW "--no-ask-password daemon-reload\n"); /* somebody else's change */
}

static void a_masked_unit_stays_masked(void **state)
{
    struct ea_service_spec spec = agent();
    char target[16] = "";
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(symlink("/dev/null", in_root("units/AmazonECS.service")), 0);
    put("answer", "LoadState=masked\nActiveState=inactive\n", 0600);
    assert_int_equal(ea_plat_service_install(&spec, &err), EA_DENIED);
    assert_string_equal(err.text, "register service AmazonECS: an administrator has masked "
                                  "AmazonECS.service");
    assert_int_equal(readlink(in_root("units/AmazonECS.service"), target, sizeof(target)), 9);
}

static void a_unit_that_could_not_be_enabled_leaves_nothing_behind(void **state)
{
    struct ea_service_spec spec = agent();
    ea_err err = { 0 };

    (void)state;
    refuse("enable", "1", "Failed to enable unit:\n  Read-only file system\n");
    assert_int_equal(ea_plat_service_install(&spec, &err), EA_IO);
    assert_string_equal(err.text,
                        "register service AmazonECS: systemctl --no-ask-password enable "
                        "AmazonECS.service: exit code 1: Failed to enable unit:   Read-only file "
                        "system");
    assert_false(ea_plat_exists(in_root("units/AmazonECS.service")));
    assert_text("calls", "--no-ask-password daemon-reload\n"
                         "--no-ask-password enable AmazonECS.service\n"
                         "--no-ask-password daemon-reload\n");
    refuse_no_more("enable");
    forget_calls();
    assert_int_equal(ea_plat_service_install(&spec, &err), EA_OK); /* and this time enables it */
    assert_text("calls", "--no-ask-password daemon-reload\n"
                         "--no-ask-password enable AmazonECS.service\n");
}

static void nothing_that_would_be_another_directive_gets_into_a_unit(void **state)
{
    static const char *const bad_name[] = { "docker\nExecStart=/bin/sh", NULL };
    static const char *const blank_name[] = { "docker a", NULL };
    static const char *const bad_env[] = { "A=b\nUser=nobody", NULL };
    static const char break_in[] = "/a\nb";
    struct ea_service_spec specs[7];
    ea_err err = { 0 };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(specs); i++)
        specs[i] = agent();
    specs[0].depends = bad_name;
    specs[1].depends = blank_name;
    specs[2].env = bad_env;
    specs[3].program = break_in;
    specs[4].env_file = break_in;
    specs[5].name = "../AmazonECS";
    specs[6].program = "/opt/\"a\"/ecsagent"; /* systemd refuses it at the start only */
    for (size_t i = 0; i < EA_COUNT(specs); i++) {
        if (ea_plat_service_install(&specs[i], &err) != EA_INVALID)
            fail_msg("row %zu was taken: %s", i, err.text);
    }
    assert_text("calls", "");
}

static void a_removal_stops_disables_and_forgets_and_an_absent_unit_is_fine(void **state)
{
    struct ea_service_spec spec = agent();
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_plat_service_remove("AmazonECS", &err), EA_OK);
    assert_text("calls", "");
    assert_int_equal(ea_plat_service_install(&spec, &err), EA_OK);
    forget_calls();
    refuse("disable", "4", "Access denied\n");
    assert_int_equal(ea_plat_service_remove("AmazonECS", &err), EA_DENIED);
    assert_non_null(strstr(err.text, "disable AmazonECS.service: exit code 4: Access denied"));
    assert_true(ea_plat_exists(in_root("units/AmazonECS.service")));
    refuse_no_more("disable");
    forget_calls();
    refuse("stop", "5", "Unit AmazonECS.service not loaded.\n");
    refuse("reset-failed", "1", "Unit AmazonECS.service not loaded.\n");
    if (ea_plat_service_remove("AmazonECS", &err))
        fail_msg("%s", err.text);
    assert_false(ea_plat_exists(in_root("units/AmazonECS.service")));
    assert_text("calls", "--no-ask-password stop AmazonECS.service\n"
                         "--no-ask-password disable AmazonECS.service\n"
                         "--no-ask-password daemon-reload\n"
                         "--no-ask-password reset-failed AmazonECS.service\n");
}

/* ---- state ---- */

static void the_state_is_what_systemd_shows(void **state)
{
    static const struct {
        const char *why, *answer;
        ea_service_state state;
        int pid, exit_code;
    } cases[] = {
        { "runs", RUNS, EA_SERVICE_RUNNING, 4711, 0 },
        { "never seen", "LoadState=not-found\nActiveState=inactive\nMainPID=0\n", EA_SERVICE_ABSENT,
          0, 0 },
        { "its unit is gone but it runs", "LoadState=not-found\nActiveState=active\nMainPID=9\n",
          EA_SERVICE_RUNNING, 9, 0 },
        { "its unit is gone and it failed", "LoadState=not-found\nActiveState=failed\nMainPID=0\n",
          EA_SERVICE_ABSENT, 0, 0 },
        { "ended by itself",
          "LoadState=loaded\nActiveState=failed\nMainPID=0\nExecMainCode=1\nExecMainStatus=5\n",
          EA_SERVICE_STOPPED, 0, 5 },
        { "was killed",
          "LoadState=loaded\nActiveState=failed\nMainPID=0\nExecMainCode=2\nExecMainStatus=9\n",
          EA_SERVICE_STOPPED, 0, 137 },
        { "waits before another try",
          "LoadState=loaded\nActiveState=activating\nMainPID=0\nExecMainCode=1\nExecMainStatus=1\n",
          EA_SERVICE_STARTING, 0, 1 },
        { "on its way down", "LoadState=loaded\nActiveState=deactivating\nMainPID=12\n",
          EA_SERVICE_STOPPING, 12, 0 },
        { "a pid that is none", "LoadState=loaded\nActiveState=active\nMainPID=x\n",
          EA_SERVICE_RUNNING, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        struct ea_service_info info = { 0 };
        ea_err err = { 0 };

        put("answer", cases[i].answer, 0600);
        if (ea_plat_service_query("AmazonECS", &info, &err))
            fail_msg("%s: %s", cases[i].why, err.text);
        if (info.state != cases[i].state || info.pid != cases[i].pid ||
            info.exit_code != cases[i].exit_code)
            fail_msg("%s: state %d, pid %d, exit code %d", cases[i].why, (int)info.state,
                     (int)info.pid, info.exit_code);
    }
}

static void a_state_that_is_not_told_is_an_error(void **state)
{
    struct ea_service_info info = { .state = EA_SERVICE_STOPPING };
    ea_err err = { 0 };

    (void)state;
    put("answer", "nothing of use\n", 0600);
    assert_int_equal(ea_plat_service_query("AmazonECS", &info, &err), EA_PROTOCOL);
    refuse("show", "1", "Failed to connect to bus: Host is down\n");
    assert_int_equal(ea_plat_service_query("AmazonECS", &info, &err), EA_IO);
    assert_non_null(strstr(err.text, "exit code 1"));
    assert_non_null(strstr(err.text, "Failed to connect to bus: Host is down"));
    assert_int_equal(info.state, EA_SERVICE_STOPPING);
}

static void start_and_stop_are_told_to_systemd_and_failures_keep_its_words(void **state)
{
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_plat_service_start("AmazonECS", &err), EA_OK);
    assert_int_equal(ea_plat_service_stop("AmazonECS", &err), EA_OK);
    assert_text("calls", "--no-ask-password start AmazonECS.service\n"
                         "--no-ask-password --no-block stop AmazonECS.service\n");
    refuse("start", "6", "Unit AmazonECS.service has a bad unit file setting.\n");
    assert_int_equal(ea_plat_service_start("AmazonECS", &err), EA_SETTINGS);
    assert_string_equal(err.text, "start service AmazonECS: systemctl --no-ask-password start "
                                  "AmazonECS.service: exit code 6: Unit AmazonECS.service has a "
                                  "bad unit file setting.");
    refuse("stop", "5", "Unit AmazonECS.service not loaded.\n");
    assert_int_equal(ea_plat_service_stop("AmazonECS", &err), EA_OK); /* stopped: fine */
    refuse("stop", "4", "Access denied\n");
    assert_int_equal(ea_plat_service_stop("AmazonECS", &err), EA_DENIED);
}

static int body(void *arg)
{
    (void)arg;
    return 0;
}

static void without_systemd_there_is_no_manager(void **state)
{
    struct ea_service_info info = { 0 };
    struct ea_service_spec spec = agent();
    ea_err err = { 0 };
    int code = 7;

    (void)state;
    assert_int_equal(ea_plat_service_run("AmazonECS", body, NULL, &code, &err), EA_UNSUPPORTED);
    assert_int_equal(ea_plat_remove_tree(in_root("run"), &err), EA_OK);
    assert_false(ea_plat_has_services());
    assert_int_equal(ea_plat_service_install(&spec, &err), EA_UNSUPPORTED);
    assert_int_equal(ea_plat_service_query("AmazonECS", &info, &err), EA_UNSUPPORTED);
    assert_int_equal(ea_plat_service_start("AmazonECS", &err), EA_UNSUPPORTED);
    assert_int_equal(ea_plat_service_stop("AmazonECS", &err), EA_UNSUPPORTED);
    assert_int_equal(ea_plat_service_remove("AmazonECS", &err), EA_UNSUPPORTED);
    assert_int_equal(code, 7);
    assert_text("calls", "");
}

/* ---- the commands themselves ---- */

static ea_code shell(const char *script, int64_t limit_ms, ea_buf *out, int *exit_code, ea_err *err)
{
    const char *argv[] = { "sh", "-c", script, NULL };
    static const char *const env[] = { "MARK=told", NULL };

    return ea_run_command("/bin/sh", argv, env, limit_ms, out, exit_code, err);
}

static void a_command_is_followed_to_its_end(void **state)
{
    EA_BUF_AUTO out = EA_BUF(1000);
    EA_BUF_AUTO small = EA_BUF(10);
    ea_err err = { 0 };
    int code = 7;

    (void)state;
    assert_int_equal(
        shell("echo $MARK; cat; echo b >&2; exec >&- 2>&-; exit 0", 10000, &out, &code, &err),
        EA_OK);
    assert_string_equal(ea_buf_z(&out), "told\nb\n");
    assert_int_equal(code, 0);
    assert_int_equal(
        shell("head -c 300000 /dev/zero | tr '\\0' x; exit 3", 10000, &small, &code, &err), EA_IO);
    assert_string_equal(ea_buf_z(&small), "xxxxxxxxx"); /* the rest is read and dropped */
    assert_int_equal(code, 3);
    assert_non_null(strstr(err.text, "exit code 3: xxxxxxxxx"));
    ea_buf_clear(&out);
    assert_int_equal(shell("kill -9 $$", 10000, &out, &code, &err), EA_IO);
    assert_non_null(strstr(err.text, "ended by signal 9: it said nothing"));
    assert_int_equal(code, -1);
}

static void a_command_that_does_not_end_is_killed_with_its_children(void **state)
{
    EA_BUF_AUTO out = EA_BUF(1000);
    ea_process child = { 0 };
    ea_err err = { 0 };
    int64_t before = ea_now().mono_ms;
    int code = 7;

    (void)state;
    assert_int_equal(shell("sleep 600 & echo $!; wait", 300, &out, &code, &err), EA_TIMEOUT);
    assert_non_null(strstr(err.text, "no end within 300 ms"));
    assert_true(ea_now().mono_ms - before < 60000);
    assert_int_equal(code, -1);
    assert_int_equal(ea_str_to_i64(ea_str_trim(ea_buf_str(&out)), 1, INT32_MAX, &child.pid, &err),
                     EA_OK);
    for (int i = 0; i < 1000 && ea_plat_process_alive(&child); i++)
        (void)usleep(5000);
    assert_false(ea_plat_process_alive(&child));
}

static void a_program_that_is_not_there_is_told_by_its_path(void **state)
{
    static const char *const argv[] = { "no-such", NULL };
    static const char *const env[] = { NULL };
    EA_BUF_AUTO out = EA_BUF(1000);
    ea_err err = { 0 };
    int code = 7;

    (void)state;
    assert_int_equal(ea_run_command("/no/such", argv, env, 1000, &out, &code, &err), EA_NOT_FOUND);
    assert_non_null(strstr(err.text, "/no/such"));
    assert_int_equal(code, -1);
}

#define WITH_FAKE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FAKE(the_unit_says_what_the_service_is_and_is_enabled_once),
        WITH_FAKE(a_service_that_needs_nothing_has_no_such_lines),
        WITH_FAKE(a_changed_unit_is_read_again_but_one_that_somebody_disabled_is_not_enabled),
        WITH_FAKE(a_masked_unit_stays_masked),
        WITH_FAKE(a_unit_that_could_not_be_enabled_leaves_nothing_behind),
        WITH_FAKE(nothing_that_would_be_another_directive_gets_into_a_unit),
        WITH_FAKE(a_removal_stops_disables_and_forgets_and_an_absent_unit_is_fine),
        WITH_FAKE(the_state_is_what_systemd_shows),
        WITH_FAKE(a_state_that_is_not_told_is_an_error),
        WITH_FAKE(start_and_stop_are_told_to_systemd_and_failures_keep_its_words),
        WITH_FAKE(without_systemd_there_is_no_manager),
        cmocka_unit_test(a_command_is_followed_to_its_end),
        cmocka_unit_test(a_command_that_does_not_end_is_killed_with_its_children),
        cmocka_unit_test(a_program_that_is_not_there_is_told_by_its_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
