#define COBJMACROS
#include "firewall.h"

#include "wide.h"

#include <initguid.h>
#include <netfw.h>
#include <string.h>

static const wchar_t rule_name[] = L"Amazon ECS task endpoint";

/* ---- COM, for one call ---- */

struct policy {
    HMODULE texts; /* oleaut32 */
    BSTR(WINAPI *text_new)(const OLECHAR *text);
    void(WINAPI *text_free)(BSTR text);
    bool entered;
    INetFwPolicy2 *policy;
    INetFwRules *rules;
};

static bool find(HMODULE library, const char *name, void *to)
{
    FARPROC address = library ? GetProcAddress(library, name) : NULL;

    memcpy(to, &address, sizeof(address));
    return address != NULL;
}

static HRESULT open_rules(struct policy *p)
{
    HRESULT result;

    *p = (struct policy){ .texts =
                              LoadLibraryExW(L"oleaut32.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32) };
    if (!find(p->texts, "SysAllocString", &p->text_new) ||
        !find(p->texts, "SysFreeString", &p->text_free))
        return E_NOTIMPL;
    result = CoInitializeEx(NULL, COINIT_MULTITHREADED);
    p->entered = SUCCEEDED(result);
    if (FAILED(result) && result != RPC_E_CHANGED_MODE) /* entered in another way is as good */
        return result;
    result = CoCreateInstance(&CLSID_NetFwPolicy2, NULL, CLSCTX_INPROC_SERVER, &IID_INetFwPolicy2,
                              (void **)&p->policy);
    if (SUCCEEDED(result))
        result = INetFwPolicy2_get_Rules(p->policy, &p->rules);
    if (SUCCEEDED(result) && !p->rules)
        result = E_NOTIMPL;
    return result;
}

static void close_rules(struct policy *p)
{
    if (p->rules)
        INetFwRules_Release(p->rules);
    if (p->policy)
        INetFwPolicy2_Release(p->policy);
    if (p->entered)
        CoUninitialize();
    if (p->texts)
        (void)FreeLibrary(p->texts); /* counted */
}

/* No firewall to be asked: nothing is blocked by it either. */
static bool absent(HRESULT result)
{
    return result == HRESULT_FROM_WIN32(EPT_S_NOT_REGISTERED) || result == E_NOTIMPL ||
           result == REGDB_E_CLASSNOTREG ||
           result == HRESULT_FROM_WIN32(ERROR_SERVICE_NOT_ACTIVE) ||
           result == HRESULT_FROM_WIN32(ERROR_SERVICE_DISABLED);
}

static ea_code fail(ea_err *err, HRESULT result, const char *doing)
{
    DWORD number =
        HRESULT_FACILITY(result) == FACILITY_WIN32 ? (DWORD)HRESULT_CODE(result) : (DWORD)result;

    return ea_fail_win(err, number, doing, "the firewall rule 'Amazon ECS task endpoint'");
}

/* ---- the rule ---- */

ea_fact ea_firewall_look(void)
{
    struct policy p;
    HRESULT result = open_rules(&p);
    ea_fact fact = EA_FACT_UNKNOWN;

    if (SUCCEEDED(result)) {
        BSTR name = p.text_new(rule_name);
        INetFwRule *rule = NULL;

        result = INetFwRules_Item(p.rules, name, &rule);
        p.text_free(name);
        if (SUCCEEDED(result) && rule) {
            fact = EA_FACT_YES;
            INetFwRule_Release(rule);
        } else if (result == HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND)) {
            fact = EA_FACT_NO;
        }
    }
    close_rules(&p);
    return fact;
}

static HRESULT put(const struct policy *p, INetFwRule *rule,
                   HRESULT(STDMETHODCALLTYPE *set)(INetFwRule *, BSTR), const wchar_t *text)
{
    BSTR copy = p->text_new(text);
    HRESULT result = copy ? set(rule, copy) : E_OUTOFMEMORY;

    p->text_free(copy);
    return result;
}

/* The protocol comes before its ports, else they are refused. */
static HRESULT fill(const struct policy *p, INetFwRule *rule)
{
    const INetFwRuleVtbl *v = rule->lpVtbl;
    HRESULT result = put(p, rule, v->put_Name, rule_name);

    if (SUCCEEDED(result))
        result = put(p, rule, v->put_Description,
                     L"Containers ask 169.254.170.2 for the credentials of their task's role.");
    if (SUCCEEDED(result))
        result = INetFwRule_put_Protocol(rule, NET_FW_IP_PROTOCOL_TCP);
    if (SUCCEEDED(result))
        result = put(p, rule, v->put_LocalPorts, L"80");
    if (SUCCEEDED(result))
        result = put(p, rule, v->put_LocalAddresses, L"169.254.170.2");
    if (SUCCEEDED(result))
        result = INetFwRule_put_Direction(rule, NET_FW_RULE_DIR_IN);
    if (SUCCEEDED(result))
        result = INetFwRule_put_Action(rule, NET_FW_ACTION_ALLOW);
    if (SUCCEEDED(result))
        result = INetFwRule_put_Profiles(rule, NET_FW_PROFILE2_ALL);
    if (SUCCEEDED(result))
        result = INetFwRule_put_Enabled(rule, VARIANT_TRUE);
    return result;
}

ea_code ea_firewall_add(ea_err *err)
{
    struct policy p;
    INetFwRule *rule = NULL;
    HRESULT result = open_rules(&p);

    if (SUCCEEDED(result))
        result = CoCreateInstance(&CLSID_NetFwRule, NULL, CLSCTX_INPROC_SERVER, &IID_INetFwRule,
                                  (void **)&rule);
    if (SUCCEEDED(result))
        result = fill(&p, rule);
    if (SUCCEEDED(result))
        result = INetFwRules_Add(p.rules, rule);
    if (rule)
        INetFwRule_Release(rule);
    close_rules(&p);
    return SUCCEEDED(result) ? EA_OK : fail(err, result, "add");
}

ea_code ea_firewall_remove(ea_err *err)
{
    struct policy p;
    HRESULT result = open_rules(&p);

    if (SUCCEEDED(result)) {
        BSTR name = p.text_new(rule_name);

        result = INetFwRules_Remove(p.rules, name);
        p.text_free(name);
    }
    close_rules(&p);
    if (SUCCEEDED(result) || absent(result) || result == HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND))
        return EA_OK;
    return fail(err, result, "remove");
}
