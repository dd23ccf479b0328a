/* metadata_file_test.c - what the metadata file of a container says, where it may lie, when it is
 * written. */
#include "agent/metadata_file.h"

#include "agent/identity.h"
#include "base/alloc.h"
#include "plat/plat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

static struct ea_meta meta = {
    .cluster = (char[]){ "MyCluster" },
    .container_instance_arn = (char[]){ "arn:aws:ecs:us-west-2:1:container-instance/MyCluster/i" },
    .availability_zone = (char[]){ "us-west-2a" },
};
static struct ea_task task = {
    .arn = (char[]){ "arn:aws:ecs:us-west-2:1:task/MyCluster/0123" },
    .family = (char[]){ "site" },
    .version = (char[]){ "7" },
};
static struct ea_container container = {
    .name = (char[]){ "web" },
    .image = (char[]){ "httpd:2.4" },
    .docker_name = (char[]){ "ecs-site-7-web-00" },
};

static char *text(const struct ea_metadata_host *host, const struct ea_docker_facts *facts)
{
    char *out = NULL;
    ea_err err = { 0 };

    assert_int_equal(ea_metadata_file_text(&meta, host, &task, &container, facts, &out, &err),
                     EA_OK);
    return out;
}

static void before_the_create_only_the_task_is_told_and_no_status(void **state)
{
    const struct ea_metadata_host host = { 0 };
    EA_FREE_AUTO char *out = text(&host, NULL);

    (void)state;
    assert_string_equal(
        out,
        "{\"Cluster\":\"MyCluster\",\"ContainerInstanceARN\":"
        "\"arn:aws:ecs:us-west-2:1:container-instance/MyCluster/i\",\"TaskARN\":"
        "\"arn:aws:ecs:us-west-2:1:task/MyCluster/0123\",\"TaskDefinitionFamily\":\"site\","
        "\"TaskDefinitionRevision\":\"7\",\"ContainerName\":\"web\",\"ImageName\":\"httpd:2.4\","
        "\"AvailabilityZone\":\"us-west-2a\"}");
}

static void once_it_runs_ports_networks_and_the_host_are_told(void **state)
{
    const struct ea_metadata_host host = { .private_ipv4 = "10.0.0.9", .ipv6 = "fd00::9" };
    struct ea_binding ports[] = {
        { (char[]){ "0.0.0.0" }, (char[]){ "tcp" }, 80, 32768 },
        { NULL, (char[]){ "udp" }, 53, 53 },
    };
    struct ea_network networks[] = {
        { .mode = (char[]){ "nat" }, .ipv4 = (char[]){ "172.17.0.2" } },
        { .mode = (char[]){ "none" } },
    };
    const struct ea_docker_facts facts = {
        .found = true,
        .id = (char[]){ "4eca" },
        .image_id = (char[]){ "sha256:aa" },
        .bindings = { ports, 2 },
        .networks = { networks, 2 },
    };
    EA_FREE_AUTO char *out = text(&host, &facts);

    (void)state;
    assert_string_equal(
        strstr(out, "\"ContainerID\""),
        "\"ContainerID\":\"4eca\",\"ContainerName\":\"web\",\"DockerContainerName\":"
        "\"/ecs-site-7-web-00\",\"ImageID\":\"sha256:aa\",\"ImageName\":\"httpd:2.4\","
        "\"PortMappings\":[{\"ContainerPort\":80,\"HostPort\":32768,\"BindIp\":\"0.0.0.0\","
        "\"Protocol\":\"tcp\"},{\"ContainerPort\":53,\"HostPort\":53,\"BindIp\":\"\","
        "\"Protocol\":\"udp\"}],\"Networks\":[{\"NetworkMode\":\"nat\",\"IPv4Addresses\":"
        "[\"172.17.0.2\"]},{\"NetworkMode\":\"none\"}],\"MetadataFileStatus\":\"READY\","
        "\"AvailabilityZone\":\"us-west-2a\",\"HostPrivateIPv4Address\":\"10.0.0.9\","
        "\"HostIPv6Address\":\"fd00::9\"}");
}

static void the_folder_stays_below_the_data_directory(void **state)
{
    static const struct {
        const char *why, *arn, *container, *want;
    } cases[] = {
        { "cluster and task", "arn:aws:ecs:r:1:task/c/0123", "web", "/d/metadata/c/0123/web" },
        { "an old ARN", "arn:aws:ecs:r:1:task/0123", "web", "/d/metadata/0123/web" },
        { "the task's own", "arn:aws:ecs:r:1:task/c/0123", NULL, "/d/metadata/c/0123" },
        { "up by the task", "arn:aws:ecs:r:1:task/../0123", "web", NULL },
        { "up by the container", "arn:aws:ecs:r:1:task/c/0123", "..", NULL },
        { "down by the container", "arn:aws:ecs:r:1:task/c/0123", "a/b", NULL },
        { "another drive", "arn:aws:ecs:r:1:task/c/C:x", "web", NULL },
        { "a colon would end the bind", "arn:aws:ecs:r:1:task/c/0123", "a:b", NULL },
        { "no task", "arn:aws:ecs:r:1:task", "web", NULL },
        { "an empty piece", "arn:aws:ecs:r:1:task//0123", "web", NULL },
        { "too deep", "arn:aws:ecs:r:1:task/a/b/c", "web", NULL },
        { "no name", "arn:aws:ecs:r:1:task/c/0123", "", NULL },
        { "no ARN", "0123", "web", NULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_FREE_AUTO char *dir = NULL;
        ea_err err = { 0 };
        ea_code code = ea_metadata_file_dir("/d", cases[i].arn, cases[i].container, &dir, &err);

        if ((code == EA_OK) != (cases[i].want != NULL) || (dir && strcmp(dir, cases[i].want) != 0))
            fail_msg("%s: %s, code %d", cases[i].why, dir ? dir : "none", (int)code);
        if (code)
            assert_true(err.text[0]);
    }
}

static uint64_t file_number(const char *path)
{
    uv_fs_t look;
    uint64_t number;

    if (uv_fs_stat(NULL, &look, path, NULL) != 0)
        fail_msg("%s: no such file", path);
    number = look.statbuf.st_ino;
    uv_fs_req_cleanup(&look);
    return number;
}

/* A file that is written takes the place of the one before. */
static void a_file_that_says_the_same_is_left_as_it_is(void **state)
{
    static const char *const env[] = { "ECS_ENABLE_CONTAINER_METADATA=true", NULL };
    EA_FREE_AUTO char *exe = ea_plat_exe_dir();
    EA_FREE_AUTO char *dir = ea_sprintf_dup("%s/metadata.%d", exe, (int)ea_plat_pid());
    EA_FREE_AUTO char *path =
        ea_sprintf_dup("%s/metadata/MyCluster/0123/web/ecs-container-metadata.json", dir);
    struct ea_identity identity = { 0 };
    ea_agent ag = { .identity = &identity, .data_dir = dir };
    struct ea_task *t = ea_task_new();
    struct ea_docker_facts facts = { .id = (char[]){ "c1" } };
    struct ea_metadata_file made;
    uint64_t before, ready;
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_config_load(env, &ag.config, &err), EA_OK);
    ea_model_init(&ag.model, 1);
    t->arn = ea_strdup(task.arn);
    t->containers.n = 1;
    t->containers.v = ea_alloc_array(1, sizeof(*t->containers.v));
    t->containers.v[0].name = ea_strdup("web");
    t->containers.v[0].endpoint_id = ea_strdup("one");
    ea_model_add_task(&ag.model, t);
    ea_metadata_file_make(&ag, t, &t->containers.v[0], &made);
    assert_non_null(made.bind);
    ea_metadata_file_done(&made);
    before = file_number(path);
    ea_metadata_file_ready(&ag, t->arn, "web", &facts);
    ready = file_number(path);
    assert_true(ready != before);
    ea_metadata_file_ready(&ag, t->arn, "web", &facts);
    assert_true(file_number(path) == ready);
    facts.id = (char[]){ "c2" };
    ea_metadata_file_ready(&ag, t->arn, "web", &facts);
    assert_true(file_number(path) != ready);
    ea_model_done(&ag.model);
    ea_config_free(ag.config);
    assert_int_equal(ea_plat_remove_tree(dir, &err), EA_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_create_only_the_task_is_told_and_no_status),
        cmocka_unit_test(once_it_runs_ports_networks_and_the_host_are_told),
        cmocka_unit_test(the_folder_stays_below_the_data_directory),
        cmocka_unit_test(a_file_that_says_the_same_is_left_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
