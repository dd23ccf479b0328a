#include "../plat.h"

/* The mode of the file is the protection: whoever reads it is root. */

ea_code ea_plat_protect(ea_str plain, ea_buf *out, ea_err *err)
{
    ea_buf_add(out, plain.p, plain.n);
    return ea_buf_check(out, err);
}

ea_code ea_plat_unprotect(ea_str sealed, ea_buf *out, ea_err *err)
{
    ea_buf_add(out, sealed.p, sealed.n);
    return ea_buf_check(out, err);
}
