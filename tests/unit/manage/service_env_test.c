#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "manage/service_env.h"
#include "plat/plat.h"

#include <string.h>

struct sources {
    const char *process[6], *service[4], *file[4], *machine[4]; /* file: name, value, name, value */
};

static char **merge(const struct sources *s, const char *log_file)
{
    ea_strlist service = { 0 }, machine = { 0 };
    ea_strmap file = { 0 };
    char **env;

    for (size_t i = 0; i < EA_COUNT(s->service) && s->service[i]; i++)
        ea_strlist_add(&service, s->service[i]);
    for (size_t i = 0; i < EA_COUNT(s->machine) && s->machine[i]; i++)
        ea_strlist_add(&machine, s->machine[i]);
    for (size_t i = 0; i + 1 < EA_COUNT(s->file) && s->file[i]; i += 2)
        ea_strmap_set(&file, s->file[i], s->file[i + 1]);
    env = ea_service_env_merge(s->process, &service, &file, &machine, log_file);
    ea_strlist_free(&service);
    ea_strlist_free(&machine);
    ea_strmap_free(&file);
    return env;
}

/* The only value of that name; a second one is a failure. */
static const char *value_of(char **env, const char *name)
{
    const char *found = NULL;
    size_t n = strlen(name);

    for (size_t i = 0; env[i]; i++) {
        if (strncmp(env[i], name, n) == 0 && env[i][n] == '=') {
            assert_null(found);
            found = env[i] + n + 1;
        }
    }
    return found;
}

static void the_registration_goes_before_the_file_and_the_file_before_the_machine(void **state)
{
    static const struct {
        const char *why;
        struct sources in;
        const char *want; /* of ECS_CLUSTER in the environment; NULL: left to the settings file */
    } rows[] = {
        { "nothing says anything", { .process = { "PATH=x" } }, NULL },
        { "the system merged the machine's",
          { .process = { "ECS_CLUSTER=m" }, .machine = { "ECS_CLUSTER=m" } },
          "m" },
        { "it did not", { .process = { "PATH=x" }, .machine = { "ECS_CLUSTER=m" } }, "m" },
        { "the file is newer than the machine's",
          { .process = { "ECS_CLUSTER=m" },
            .file = { "ECS_CLUSTER", "f" },
            .machine = { "ECS_CLUSTER=m" } },
          NULL },
        { "the file, and it was not merged",
          { .process = { "PATH=x" },
            .file = { "ECS_CLUSTER", "f" },
            .machine = { "ECS_CLUSTER=m" } },
          NULL },
        { "the registration goes before all",
          { .process = { "ECS_CLUSTER=m" },
            .service = { "ECS_CLUSTER=s" },
            .file = { "ECS_CLUSTER", "f" },
            .machine = { "ECS_CLUSTER=m" } },
          "s" },
        { "the process's own that no machine has",
          { .process = { "ECS_CLUSTER=p" }, .file = { "ECS_CLUSTER", "f" } },
          "p" },
        { "names have no case",
          { .process = { "ecs_cluster=m" }, .service = { "ECS_CLUSTER=s" } },
          "s" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        char **env = merge(&rows[i].in, NULL);
        const char *got = value_of(env, "ECS_CLUSTER");

        if ((got == NULL) != (rows[i].want == NULL) || (got && strcmp(got, rows[i].want) != 0))
            fail_msg("%s: got %s", rows[i].why, got ? got : "nothing");
        ea_plat_env_free(env);
    }
}

static void only_settings_are_taken_from_the_machine(void **state)
{
    const struct sources in = { .process = { "PATH=x" },
                                .machine = { "AWS_SECRET_ACCESS_KEY=k", "NUMBER_OF_PROCESSORS=2",
                                             "DOCKER_HOST=npipe:////./pipe/d" } };
    char **env = merge(&in, NULL);

    (void)state;
    assert_null(value_of(env, "AWS_SECRET_ACCESS_KEY"));
    assert_null(value_of(env, "NUMBER_OF_PROCESSORS"));
    assert_string_equal(value_of(env, "DOCKER_HOST"), "npipe:////./pipe/d");
    assert_string_equal(value_of(env, "PATH"), "x");
    ea_plat_env_free(env);
}

static void a_service_logs_to_a_file_unless_told_another_or_none(void **state)
{
    static const struct {
        const char *why;
        struct sources in;
        const char *want;
    } rows[] = {
        { "nobody says", { .process = { "PATH=x" } }, "C:\\log" },
        { "the machine says none",
          { .process = { "ECS_LOGFILE=" }, .machine = { "ECS_LOGFILE=" } },
          "" },
        { "the file says", { .process = { "PATH=x" }, .file = { "ECS_LOGFILE", "f" } }, NULL },
        { "the registration says",
          { .process = { "PATH=x" }, .service = { "ECS_LOGFILE=s" } },
          "s" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        char **env = merge(&rows[i].in, "C:\\log");
        const char *got = value_of(env, "ECS_LOGFILE");

        if ((got == NULL) != (rows[i].want == NULL) || (got && strcmp(got, rows[i].want) != 0))
            fail_msg("%s: got %s", rows[i].why, got ? got : "nothing");
        ea_plat_env_free(env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_registration_goes_before_the_file_and_the_file_before_the_machine),
        cmocka_unit_test(only_settings_are_taken_from_the_machine),
        cmocka_unit_test(a_service_logs_to_a_file_unless_told_another_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
