#include "hns.h"

#include <objbase.h>
#include <string.h>

enum {
    MAX_NETWORKS = 64
};

/* ---- JSON: hcn HostComputeNetwork of schema version 2 ---- */

struct hns_route {
    char *next_hop, *prefix;
};
struct hns_subnet {
    struct {
        struct hns_route *v;
        size_t n;
    } routes;
};
struct hns_ipam {
    struct {
        struct hns_subnet *v;
        size_t n;
    } subnets;
};
struct hns_network {
    char *name, *type;
    struct {
        struct hns_ipam *v;
        size_t n;
    } ipams;
};
static const ea_jfield route_fields[] = {
    EA_JSTR(struct hns_route, next_hop, "NextHop", 0),
    EA_JSTR(struct hns_route, prefix, "DestinationPrefix", 0),
};
static const ea_jshape route_shape = EA_JSHAPE(struct hns_route, route_fields);
static const ea_jfield subnet_fields[] = {
    EA_JLIST(struct hns_subnet, routes, "Routes", 0, &route_shape),
};
static const ea_jshape subnet_shape = EA_JSHAPE(struct hns_subnet, subnet_fields);
static const ea_jfield ipam_fields[] = {
    EA_JLIST(struct hns_ipam, subnets, "Subnets", 0, &subnet_shape),
};
static const ea_jshape ipam_shape = EA_JSHAPE(struct hns_ipam, ipam_fields);
static const ea_jfield network_fields[] = {
    EA_JSTR(struct hns_network, name, "Name", 0),
    EA_JSTR(struct hns_network, type, "Type", 0),
    EA_JLIST(struct hns_network, ipams, "Ipams", 0, &ipam_shape),
};
static const ea_jshape network_shape = EA_JSHAPE(struct hns_network, network_fields);

struct hns_ids {
    ea_strlist ids;
};
static const ea_jfield ids_fields[] = { EA_JSTRLIST(struct hns_ids, ids, "ids", 0) };
static const ea_jshape ids_shape = EA_JSHAPE(struct hns_ids, ids_fields);

static void add_gateways(const struct hns_network *n, ea_strlist *out)
{
    if (!ea_str_eq_nocase(ea_str_of(n->type), ea_str_of("NAT")))
        return;
    for (size_t i = 0; i < n->ipams.n; i++) {
        for (size_t k = 0; k < n->ipams.v[i].subnets.n; k++) {
            const struct hns_subnet *s = &n->ipams.v[i].subnets.v[k];

            for (size_t m = 0; m < s->routes.n; m++) {
                if (ea_zstr_eq(s->routes.v[m].prefix, "0.0.0.0/0") &&
                    !ea_zstr_empty(s->routes.v[m].next_hop))
                    ea_strlist_add(out, s->routes.v[m].next_hop);
            }
        }
    }
}

static ea_code read_ids(const struct ea_hns_calls *calls, struct hns_ids *out, ea_err *err)
{
    DWORD number = ERROR_SUCCESS;
    wchar_t *wide = calls->list(calls->ctx, &number);
    EA_FREE_AUTO char *list = NULL;
    EA_FREE_AUTO char *text = NULL;

    if (!wide)
        return ea_fail_win(err, number, "list networks of", "HNS");
    list = ea_narrow(wide);
    calls->release(calls->ctx, wide);
    text = ea_sprintf_dup("{\"ids\":%s}", list); /* our tables begin with an object */
    if (ea_json_decode(&ids_shape, ea_str_of(text), out, err)) {
        err->code = EA_PROTOCOL;
        return ea_wrap(err, "networks of HNS");
    }
    return EA_OK;
}

static bool read_network(const struct ea_hns_calls *calls, const char *id, struct hns_network *out)
{
    EA_FREE_AUTO wchar_t *wide_id = ea_wide(id);
    EA_FREE_AUTO char *text = NULL;
    DWORD number = ERROR_SUCCESS;
    wchar_t *wide = calls->properties(calls->ctx, wide_id, &number);
    ea_err err = { 0 };

    if (!wide)
        return false; /* it went since it was listed */
    text = ea_narrow(wide);
    calls->release(calls->ctx, wide);
    return ea_json_decode(&network_shape, ea_str_of(text), out, &err) == EA_OK;
}

/* ---- JSON: HNS networks of schema version 1 (Server 2016) ---- */

struct old_subnet {
    char *gateway;
};
struct old_network {
    char *name, *type;
    struct {
        struct old_subnet *v;
        size_t n;
    } subnets;
};
struct old_answer {
    bool success;
    char *error;
    struct {
        struct old_network *v;
        size_t n;
    } networks;
};
static const ea_jfield old_subnet_fields[] = {
    EA_JSTR(struct old_subnet, gateway, "GatewayAddress", 0),
};
static const ea_jshape old_subnet_shape = EA_JSHAPE(struct old_subnet, old_subnet_fields);
static const ea_jfield old_network_fields[] = {
    EA_JSTR(struct old_network, name, "Name", 0),
    EA_JSTR(struct old_network, type, "Type", 0),
    EA_JLIST(struct old_network, subnets, "Subnets", 0, &old_subnet_shape),
};
static const ea_jshape old_network_shape = EA_JSHAPE(struct old_network, old_network_fields);
static const ea_jfield old_answer_fields[] = {
    EA_JBOOL(struct old_answer, success, "Success", 0),
    EA_JSTR(struct old_answer, error, "Error", 0),
    EA_JLIST(struct old_answer, networks, "Output", 0, &old_network_shape),
};
static const ea_jshape old_answer_shape = EA_JSHAPE(struct old_answer, old_answer_fields);

static void add_old(const struct old_answer *a, bool dockers, ea_strlist *out)
{
    for (size_t i = 0; i < a->networks.n && i < MAX_NETWORKS; i++) {
        const struct old_network *n = &a->networks.v[i];

        if (!ea_str_eq_nocase(ea_str_of(n->type), ea_str_of("nat")) ||
            ea_zstr_eq(n->name, "nat") != dockers)
            continue;
        for (size_t k = 0; k < n->subnets.n; k++) {
            if (!ea_zstr_empty(n->subnets.v[k].gateway))
                ea_strlist_add(out, n->subnets.v[k].gateway);
        }
    }
}

static ea_code old_gateways(const struct ea_hns_calls *calls, ea_strlist *out, ea_err *err)
{
    DWORD number = ERROR_SUCCESS;
    wchar_t *wide = calls->all(calls->ctx, &number);
    EA_FREE_AUTO char *text = NULL;
    struct old_answer a = { 0 };

    if (!wide)
        return ea_fail_win(err, number, "list networks of", "HNS");
    text = ea_narrow(wide);
    calls->release(calls->ctx, wide);
    if (ea_json_decode(&old_answer_shape, ea_str_of(text), &a, err)) {
        err->code = EA_PROTOCOL;
        return ea_wrap(err, "networks of HNS");
    }
    if (!a.success) {
        (void)ea_fail(err, EA_IO, "HNS: %.100s", a.error ? a.error : "no reason given");
        ea_json_free(&old_answer_shape, &a);
        return err->code;
    }
    add_old(&a, true, out);
    add_old(&a, false, out);
    ea_json_free(&old_answer_shape, &a);
    return EA_OK;
}

ea_code ea_hns_nat_gateways(const struct ea_hns_calls *calls, ea_strlist *out, ea_err *err)
{
    struct hns_ids list = { 0 };
    ea_strlist others = { 0 };

    if (calls->all)
        return old_gateways(calls, out, err);
    if (read_ids(calls, &list, err))
        return err->code;
    for (size_t i = 0; i < list.ids.n && i < MAX_NETWORKS; i++) {
        struct hns_network n = { 0 };

        if (read_network(calls, list.ids.v[i], &n)) {
            add_gateways(&n, ea_zstr_eq(n.name, "nat") ? out : &others); /* Docker's own name */
            ea_json_free(&network_shape, &n);
        }
    }
    for (size_t i = 0; i < others.n; i++)
        ea_strlist_add(out, others.v[i]);
    ea_strlist_free(&others);
    ea_json_free(&ids_shape, &list);
    return EA_OK;
}

/* ---- computenetwork.dll ---- */

typedef void *hcn_network;
static struct {
    HRESULT(WINAPI *enumerate)(const wchar_t *query, wchar_t **networks, wchar_t **error);
    HRESULT(WINAPI *open)(REFGUID id, hcn_network *network, wchar_t **error);
    HRESULT(WINAPI *query)
    (hcn_network network, const wchar_t *query, wchar_t **properties, wchar_t **error);
    HRESULT(WINAPI *close)(hcn_network network);
} hcn;

static wchar_t *list_networks(void *ctx, DWORD *number)
{
    wchar_t *text = NULL, *error = NULL;
    HRESULT result = hcn.enumerate(L"{\"SchemaVersion\":{\"Major\":2,\"Minor\":0}}", &text, &error);

    (void)ctx;
    CoTaskMemFree(error); /* the number says enough */
    *number = HRESULT_CODE(result);
    return SUCCEEDED(result) ? text : NULL;
}

static wchar_t *network_properties(void *ctx, const wchar_t *id, DWORD *number)
{
    wchar_t braced[64], *text = NULL, *error = NULL;
    hcn_network network = NULL;
    HRESULT result;
    GUID guid;

    (void)ctx;
    (void)swprintf(braced, EA_COUNT(braced), id[0] == L'{' ? L"%ls" : L"{%ls}",
                   id); /* too long: no GUID */
    result = CLSIDFromString(braced, &guid);
    if (SUCCEEDED(result))
        result = hcn.open(&guid, &network, &error);
    if (SUCCEEDED(result)) {
        CoTaskMemFree(error); /* the number says enough */
        error = NULL;
        result =
            hcn.query(network, L"{\"SchemaVersion\":{\"Major\":2,\"Minor\":0}}", &text, &error);
        (void)hcn.close(network); /* only read */
    }
    CoTaskMemFree(error);
    *number = HRESULT_CODE(result);
    return SUCCEEDED(result) ? text : NULL;
}

static void release_text(void *ctx, wchar_t *text)
{
    (void)ctx;
    CoTaskMemFree(text);
}

static bool find(HMODULE library, const char *name, void *to)
{
    FARPROC address = GetProcAddress(library, name);

    memcpy(to, &address, sizeof(address));
    return address != NULL;
}

/* ---- vmcompute.dll ---- */

static HRESULT(WINAPI *hns_call)(const wchar_t *method, const wchar_t *path, const wchar_t *request,
                                 wchar_t **answer);

static wchar_t *all_networks(void *ctx, DWORD *number)
{
    wchar_t *text = NULL;
    HRESULT result = hns_call(L"GET", L"/networks/", L"", &text);

    (void)ctx;
    *number = HRESULT_CODE(result);
    return SUCCEEDED(result) ? text : NULL;
}

static HMODULE load_new(void)
{
    HMODULE library = LoadLibraryExW(L"computenetwork.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);

    if (library && find(library, "HcnEnumerateNetworks", &hcn.enumerate) &&
        find(library, "HcnOpenNetwork", &hcn.open) &&
        find(library, "HcnQueryNetworkProperties", &hcn.query) &&
        find(library, "HcnCloseNetwork", &hcn.close))
        return library; /* kept for good */
    return NULL;
}

static bool load_old(void)
{
    HMODULE library = LoadLibraryExW(L"vmcompute.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);

    return library && find(library, "HNSCall", &hns_call); /* kept for good */
}

static HMODULE new_library; /* once found */

const struct ea_hns_calls *ea_hns_system(ea_err *err)
{
    static const struct ea_hns_calls calls = { .list = list_networks,
                                               .properties = network_properties,
                                               .release = release_text };
    static const struct ea_hns_calls old = { .all = all_networks, .release = release_text };

    if (!new_library)
        new_library = load_new();
    if (new_library)
        return &calls;
    if (hns_call || load_old())
        return &old;
    (void)ea_fail(err, EA_UNSUPPORTED, "this system has no computenetwork.dll"); /* NULL says so */
    return NULL;
}

/* ---- notifications ---- */

static struct {
    void (*fn)(void *arg);
    void *arg;
} told;

static void WINAPI changed(DWORD type, void *ctx, HRESULT status, const wchar_t *data)
{
    (void)type;
    (void)ctx;
    (void)status;
    (void)data;
    told.fn(told.arg);
}

void *ea_hns_watch(void (*fn)(void *arg), void *arg)
{
    HRESULT(WINAPI * enter)
    (void(WINAPI * callback)(DWORD, void *, HRESULT, const wchar_t *), void *ctx, void **handle);
    void *handle = NULL;
    ea_err err = { 0 };

    (void)ea_hns_system(&err); /* loads it */
    if (!new_library || !find(new_library, "HcnRegisterServiceCallback", &enter))
        return NULL;
    told.fn = fn;
    told.arg = arg;
    return SUCCEEDED(enter(changed, NULL, &handle)) ? handle : NULL;
}

void ea_hns_unwatch(void *watch)
{
    HRESULT(WINAPI * leave)(void *handle);

    if (watch && find(new_library, "HcnUnregisterServiceCallback", &leave))
        (void)leave(watch); /* the process ends, or watches anew */
}
