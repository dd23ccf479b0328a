/* seal.h - texts that must not lie on disk in clear: AES-256-GCM under a key of this machine. The key is in a file
 * beside the state, itself protected as the system can: by DPAPI for the machine on Windows, by its mode (root alone)
 * on Linux. What is copied to another machine, or out of a backup without the key, cannot be read.
 * Thread: that of the owner. Knows: mbedTLS, the key file. Does not know: what is sealed.
 * Form: "sealed1:" and base64 of nonce (12 bytes), tag (16), ciphertext. */
#ifndef EA_STORE_SEAL_H
#define EA_STORE_SEAL_H

#include "../base/buf.h"
#include "../base/err.h"

#include <stdbool.h>

typedef struct ea_seal ea_seal;

/* Reads the key, or makes one. A key that this machine cannot open is kept as <path>.old and replaced: what was
 * sealed with it stays unreadable. A file that cannot be read is an error and stays: the next try may work. */
ea_code ea_seal_open(const char *path, ea_seal **out, ea_err *err) EA_CHECK;
void ea_seal_close(ea_seal *s); /* wipes; NULL is fine */

/* `name` belongs to the text: under another one it does not open. Caller frees *out. */
ea_code ea_seal_text(ea_seal *s, const char *name, ea_str text, char **out, ea_err *err) EA_CHECK;
bool ea_is_sealed(ea_str text);
/* Caller frees *out by ea_secret_free. EA_INVALID: changed, cut, of another name or key. */
ea_code ea_unseal_text(ea_seal *s, const char *name, ea_str sealed, char **out,
                       ea_err *err) EA_CHECK;

#endif
