#include "../plat.h"

#include "wide.h"

#include <dpapi.h>
#include <string.h>

/* DPAPI, for the machine: the service runs as LocalSystem, the console agent as an administrator; the rights of the
 * file keep others away. */

typedef BOOL WINAPI convert(DATA_BLOB *in, DATA_BLOB *out);

static BOOL WINAPI seal(DATA_BLOB *in, DATA_BLOB *out)
{
    return CryptProtectData(in, L"Amazon ECS agent", NULL, NULL, NULL,
                            CRYPTPROTECT_LOCAL_MACHINE | CRYPTPROTECT_UI_FORBIDDEN, out);
}

static BOOL WINAPI unseal(DATA_BLOB *in, DATA_BLOB *out)
{
    return CryptUnprotectData(in, NULL, NULL, NULL, NULL, CRYPTPROTECT_UI_FORBIDDEN, out);
}

static ea_code through(convert *fn, ea_str text, const char *doing, ea_buf *to, ea_err *err)
{
    BYTE *copy = ea_alloc(text.n);
    DATA_BLOB in = { (DWORD)text.n, copy }, out = { 0 };
    DWORD number = ERROR_SUCCESS;

    memcpy(copy, text.p, text.n);
    if (!fn(&in, &out))
        number = GetLastError();
    if (number == ERROR_SUCCESS)
        ea_buf_add(to, out.pbData, out.cbData);
    if (out.pbData) {
        ea_secret_wipe(out.pbData, out.cbData);
        (void)LocalFree(out.pbData); /* the system's, now ours */
    }
    ea_secret_wipe(copy, text.n);
    ea_free(copy);
    if (number != ERROR_SUCCESS)
        return ea_fail_win(err, number, doing, "with the machine's key (DPAPI)");
    return ea_buf_check(to, err);
}

ea_code ea_plat_protect(ea_str plain, ea_buf *out, ea_err *err)
{
    return through(seal, plain, "protect", out, err);
}

ea_code ea_plat_unprotect(ea_str sealed, ea_buf *out, ea_err *err)
{
    return through(unseal, sealed, "open", out, err);
}
