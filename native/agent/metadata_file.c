#include "metadata_file.h"

#include "../base/alloc.h"
#include "../base/arn.h"
#include "../base/log.h"
#include "../docker/docker_json.h"
#include "../plat/plat.h"
#include "identity.h"

#include <cjson/cJSON.h>
#include <string.h>

#define FILE_NAME      "ecs-container-metadata.json"
#define INSIDE_LINUX   "/opt/ecs/metadata/"
#define INSIDE_WINDOWS "C:\\ProgramData\\Amazon\\ECS\\metadata\\"

enum {
    TEXT_MAX = 256 * 1024
};

/* ---- place ---- */

static bool is_piece(ea_str piece)
{
    if (piece.n == 0 || piece.n > 255)
        return false;
    for (size_t i = 0; i < piece.n; i++) {
        char ch = piece.p[i];

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
              ch == '_' || ch == '-'))
            return false;
    }
    return true;
}

ea_code ea_metadata_file_dir(const char *data_dir, const char *task_arn, const char *container,
                             char **out, ea_err *err)
{
    ea_str rest, piece;
    ea_arn arn;

    if (ea_arn_parse(task_arn, &arn, err))
        return err->code;
    rest = arn.resource; /* "task/<cluster>/<task id>", of old tasks without the cluster */
    for (unsigned depth = 0; rest.n > 0; depth++) {
        rest = ea_str_cut(rest, '/', &piece);
        if (depth > 2 || !is_piece(piece))
            return ea_fail(err, EA_INVALID, "%s cannot name a folder", task_arn);
    }
    if (container && !is_piece(ea_str_of(container)))
        return ea_fail(err, EA_INVALID, "container %.255s cannot name a folder", container);
    const char *task = memchr(arn.resource.p, '/', arn.resource.n);

    if (!task)
        return ea_fail(err, EA_INVALID, "%s has no task id", task_arn);
    *out = ea_sprintf_dup("%s/metadata%s%s%s", data_dir, task, container ? "/" : "",
                          container ? container : "");
    return EA_OK;
}

/* ---- text ---- */

static void set_some(cJSON *o, const char *name, const char *value, bool *oom)
{
    if (!ea_zstr_empty(value))
        ea_jt_set_str(o, name, value, oom);
}

static void add_ports(cJSON *o, const struct ea_docker_facts *facts, bool *oom)
{
    for (size_t i = 0; i < facts->bindings.n; i++) {
        const struct ea_binding *b = &facts->bindings.v[i];
        cJSON *port = cJSON_CreateObject();

        ea_jt_push(ea_jt_array(o, "PortMappings", oom), port, oom);
        ea_jt_set_int(port, "ContainerPort", b->container_port, oom);
        ea_jt_set_int(port, "HostPort", b->host_port, oom);
        ea_jt_set_str(port, "BindIp", b->bind_ip ? b->bind_ip : "", oom);
        ea_jt_set_str(port, "Protocol", b->protocol ? b->protocol : "tcp", oom);
    }
}

static void add_networks(cJSON *o, const struct ea_docker_facts *facts, bool *oom)
{
    for (size_t i = 0; i < facts->networks.n; i++) {
        const struct ea_network *n = &facts->networks.v[i];
        cJSON *network = cJSON_CreateObject();

        ea_jt_push(ea_jt_array(o, "Networks", oom), network, oom);
        ea_jt_set_str(network, "NetworkMode", n->mode ? n->mode : "", oom);
        if (!ea_zstr_empty(n->ipv4))
            ea_jt_push_str(ea_jt_array(network, "IPv4Addresses", oom), n->ipv4, oom);
        if (!ea_zstr_empty(n->ipv6))
            ea_jt_push_str(ea_jt_array(network, "IPv6Addresses", oom), n->ipv6, oom);
    }
}

ea_code ea_metadata_file_text(const struct ea_meta *meta, const struct ea_metadata_host *host,
                              const struct ea_task *t, const struct ea_container *c,
                              const struct ea_docker_facts *facts, char **out, ea_err *err)
{
    EA_BUF_AUTO b = EA_BUF(TEXT_MAX);
    cJSON *o = cJSON_CreateObject();
    bool oom = o == NULL;

    set_some(o, "Cluster", meta->cluster, &oom);
    set_some(o, "ContainerInstanceARN", meta->container_instance_arn, &oom);
    set_some(o, "TaskARN", t->arn, &oom);
    set_some(o, "TaskDefinitionFamily", t->family, &oom);
    set_some(o, "TaskDefinitionRevision", t->version, &oom);
    if (facts)
        set_some(o, "ContainerID", facts->id, &oom);
    set_some(o, "ContainerName", c->name, &oom);
    if (facts && !ea_zstr_empty(c->docker_name)) { /* as Docker writes it */
        EA_FREE_AUTO char *name = ea_sprintf_dup("/%s", c->docker_name);

        ea_jt_set_str(o, "DockerContainerName", name, &oom);
    }
    if (facts)
        set_some(o, "ImageID", facts->image_id, &oom);
    set_some(o, "ImageName", c->image, &oom);
    if (facts) {
        add_ports(o, facts, &oom);
        add_networks(o, facts, &oom);
        ea_jt_set_str(o, "MetadataFileStatus", "READY", &oom);
    }
    set_some(o, "AvailabilityZone", meta->availability_zone, &oom);
    set_some(o, "HostPrivateIPv4Address", host->private_ipv4, &oom);
    set_some(o, "HostPublicIPv4Address", host->public_ipv4, &oom);
    set_some(o, "HostIPv6Address", host->ipv6, &oom);
    if (!oom)
        ea_jt_print(o, &b);
    cJSON_Delete(o);
    return oom ? ea_fail(err, EA_LIMIT, "no memory for the text") : ea_buf_take(&b, out, err);
}

/* ---- file ---- */

static bool wanted(const ea_agent *ag)
{
    return ea_cfg_bool(ag->config, EA_CFG_CONTAINER_METADATA);
}

/* Docker is asked for a running container every few minutes, and for all of them at a start. */
static bool holds(const char *path, ea_str text)
{
    EA_BUF_AUTO now = EA_BUF(TEXT_MAX);
    ea_err unreadable = { 0 };

    return ea_plat_read_file(path, TEXT_MAX, &now, &unreadable) == EA_OK &&
           ea_str_eq(ea_buf_str(&now), text);
}

static ea_code save(const ea_agent *ag, const struct ea_task *t, const struct ea_container *c,
                    const struct ea_docker_facts *facts, const char *dir, ea_err *err)
{
    const struct ea_metadata_host host = {
        .private_ipv4 = ag->identity->local_ipv4,
        .public_ipv4 = ag->identity->public_ipv4,
        .ipv6 = ag->identity->ipv6,
    };
    EA_FREE_AUTO char *path = ea_sprintf_dup("%s/" FILE_NAME, dir), *text = NULL;

    if (ea_plat_shared_dir(dir, err) ||
        ea_metadata_file_text(&ag->model.meta, &host, t, c, facts, &text, err))
        return err->code;
    if (holds(path, ea_str_of(text)))
        return EA_OK;
    return ea_plat_write_file(path, ea_str_of(text), 0644, err);
}

static void failed(const char *task_arn, const char *container, const ea_err *err)
{
    ea_warn("metadata file of a container not written", EA_S("task", task_arn),
            EA_S("container", container), EA_S("err", err->text));
}

void ea_metadata_file_make(const ea_agent *ag, const struct ea_task *t,
                           const struct ea_container *c, struct ea_metadata_file *out)
{
    bool windows = ag->model.settings.windows;
    EA_FREE_AUTO char *dir = NULL, *inside = NULL;
    ea_err err = { 0 };

    *out = (struct ea_metadata_file){ 0 };
    if (!wanted(ag) || ea_zstr_empty(c->endpoint_id))
        return;
    if (ea_metadata_file_dir(ag->data_dir, t->arn, c->name, &dir, &err) ||
        save(ag, t, c, NULL, dir, &err)) {
        failed(t->arn, c->name, &err);
        return;
    }
    for (char *p = dir; windows && *p; p++)
        if (*p == '/')
            *p = '\\';
    inside = ea_sprintf_dup("%s%s", windows ? INSIDE_WINDOWS : INSIDE_LINUX, c->endpoint_id);
    out->bind = ea_sprintf_dup("%s:%s:ro", dir, inside);
    out->inside = ea_sprintf_dup("%s%s" FILE_NAME, inside, windows ? "\\" : "/");
}

void ea_metadata_file_done(struct ea_metadata_file *f)
{
    ea_free(f->bind);
    ea_free(f->inside);
    *f = (struct ea_metadata_file){ 0 };
}

void ea_metadata_file_ready(const ea_agent *ag, const char *task_arn, const char *container,
                            const struct ea_docker_facts *facts)
{
    const struct ea_task *t = wanted(ag) ? ea_model_task(&ag->model, task_arn) : NULL;
    const struct ea_container *c = t ? ea_task_container(t, container) : NULL;
    EA_FREE_AUTO char *dir = NULL;
    ea_err err = { 0 };

    if (!c || ea_metadata_file_dir(ag->data_dir, task_arn, container, &dir, &err) ||
        !ea_plat_exists(dir)) /* created while nobody asked for the file */
        return;
    if (save(ag, t, c, facts, dir, &err))
        failed(task_arn, container, &err);
}

void ea_metadata_file_remove(const ea_agent *ag, const char *task_arn, const char *container)
{
    EA_FREE_AUTO char *dir = NULL, *of_task = NULL;
    ea_err err = { 0 };

    if (ea_metadata_file_dir(ag->data_dir, task_arn, container, &dir, &err) ||
        ea_metadata_file_dir(ag->data_dir, task_arn, NULL, &of_task, &err) || !ea_plat_exists(dir))
        return;
    if (ea_plat_remove_tree(dir, &err) || ea_plat_remove_empty_dir(of_task, &err))
        ea_warn("metadata file of a container stays", EA_S("task", task_arn),
                EA_S("container", container), EA_S("err", err.text));
}
