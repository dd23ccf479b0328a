#include "ws_frame.h"

#include "../base/alloc.h"

#include <mbedtls/sha1.h>
#include <stdio.h>
#include <string.h>

void ea_ws_decoder_init(ea_ws_decoder *d, size_t message_max)
{
    memset(d, 0, sizeof(*d));
    d->message = EA_BUF(message_max);
    d->head_need = 2;
}

void ea_ws_decoder_done(ea_ws_decoder *d)
{
    ea_buf_done_secret(&d->message); /* role credentials came this way */
}

static bool is_control(unsigned opcode)
{
    return opcode >= EA_WS_CLOSE;
}

static ea_code check_first_bytes(ea_ws_decoder *d, ea_err *err)
{
    unsigned first = d->head[0], second = d->head[1];

    d->opcode = first & 0x0fu;
    d->fin = (first & 0x80u) != 0;
    if (first & 0x70u)
        return ea_fail(err, EA_PROTOCOL, "websocket: reserved bits are set");
    if (second & 0x80u)
        return ea_fail(err, EA_PROTOCOL, "websocket: masked frame from a server");
    if ((d->opcode > EA_WS_BINARY && d->opcode < EA_WS_CLOSE) || d->opcode > EA_WS_PONG)
        return ea_fail(err, EA_PROTOCOL, "websocket: unknown opcode %u", d->opcode);
    if (is_control(d->opcode) && (!d->fin || second > EA_WS_CONTROL_MAX))
        return ea_fail(err, EA_PROTOCOL, "websocket: control frame fragmented or too long");
    if (d->opcode == EA_WS_CONT && !d->in_message)
        return ea_fail(err, EA_PROTOCOL, "websocket: continuation without a beginning");
    if ((d->opcode == EA_WS_TEXT || d->opcode == EA_WS_BINARY) && d->in_message)
        return ea_fail(err, EA_PROTOCOL, "websocket: new message inside a fragmented one");
    d->head_need = second == 126 ? 4 : second == 127 ? 10 : 2;
    return EA_OK;
}

static ea_code check_length(ea_ws_decoder *d, ea_err *err)
{
    uint64_t n = d->head[1];

    if (d->head_need > 2) {
        n = 0;
        for (size_t i = 2; i < d->head_need; i++)
            n = n << 8 | d->head[i];
        if (n <= (d->head_need == 4 ? 125u : 65535u) || n > (uint64_t)1 << 62)
            return ea_fail(err, EA_PROTOCOL, "websocket: bad frame length");
    }
    if (!is_control(d->opcode) && n > d->message.max - d->message.n)
        return ea_fail(err, EA_LIMIT, "websocket: message larger than %zu bytes", d->message.max);
    d->left = n;
    d->in_payload = true;
    d->control_n = 0;
    return EA_OK;
}

/* Bytes of the frame's head; true when it is whole. */
static ea_code read_head(ea_ws_decoder *d, ea_str *in, bool *whole, ea_err *err)
{
    *whole = false;
    while (in->n > 0 && d->head_n < d->head_need) {
        d->head[d->head_n++] = (unsigned char)*in->p;
        in->p++;
        in->n--;
        if (d->head_n == 2 && check_first_bytes(d, err))
            return err->code;
    }
    if (d->head_n < d->head_need)
        return EA_OK;
    *whole = true;
    return check_length(d, err);
}

static ea_code read_payload(ea_ws_decoder *d, ea_str *in, ea_err *err)
{
    size_t n = d->left < in->n ? (size_t)d->left : in->n;

    if (is_control(d->opcode)) {
        if (n > 0)
            memcpy(d->control + d->control_n, in->p, n);
        d->control_n += n;
    } else {
        ea_buf_add(&d->message, in->p, n);
        if (ea_buf_check(&d->message, err))
            return ea_wrap(err, "websocket message");
    }
    in->p += n;
    in->n -= n;
    d->left -= n;
    return EA_OK;
}

ea_code ea_ws_decode(ea_ws_decoder *d, ea_str *in, bool *got, ea_ws_opcode *opcode, ea_str *payload,
                     ea_err *err)
{
    *got = false;
    if (d->handed) {
        if (d->message.p)
            ea_secret_wipe(d->message.p, d->message.n);
        ea_buf_clear(&d->message);
        d->handed = false;
    }
    for (;;) {
        if (!d->in_payload) {
            bool whole = false;

            if (read_head(d, in, &whole, err))
                return err->code;
            if (!whole)
                return EA_OK;
        }
        if (read_payload(d, in, err))
            return err->code;
        if (d->left > 0)
            return EA_OK;
        d->in_payload = false;
        d->head_n = 0;
        d->head_need = 2;
        if (is_control(d->opcode)) {
            *got = true;
            *opcode = (ea_ws_opcode)d->opcode;
            *payload = (ea_str){ (const char *)d->control, d->control_n };
            return EA_OK;
        }
        d->in_message = !d->fin;
        if (d->fin) {
            *got = true;
            *opcode = d->opcode == EA_WS_BINARY ? EA_WS_BINARY : EA_WS_TEXT;
            *payload = (ea_str){ ea_buf_z(&d->message), d->message.n };
            d->handed = true;
            return EA_OK;
        }
    }
}

void ea_ws_encode(ea_buf *out, ea_ws_opcode opcode, ea_str payload, const unsigned char mask[4])
{
    unsigned char head[14];
    size_t n = 0, start = 0;

    head[n++] = (unsigned char)(0x80u | (unsigned)opcode);
    if (payload.n <= 125) {
        head[n++] = (unsigned char)(0x80u | payload.n);
    } else if (payload.n <= 65535) {
        head[n++] = 0x80u | 126u;
        head[n++] = (unsigned char)(payload.n >> 8);
        head[n++] = (unsigned char)payload.n;
    } else {
        head[n++] = 0x80u | 127u;
        for (int shift = 56; shift >= 0; shift -= 8)
            head[n++] = (unsigned char)((uint64_t)payload.n >> shift);
    }
    memcpy(head + n, mask, 4);
    ea_buf_add(out, head, n + 4);
    start = out->n;
    ea_buf_add(out, payload.p, payload.n);
    if (out->failed)
        return;
    for (size_t i = 0; i < payload.n; i++)
        out->p[start + i] = (char)((unsigned char)out->p[start + i] ^ mask[i & 3]);
}

ea_code ea_ws_read_close(ea_str payload, int *code, ea_str *reason, ea_err *err)
{
    int c = 0;

    if (payload.n == 0) {
        *code = 1005;
        *reason = EA_STR("");
        return EA_OK;
    }
    if (payload.n == 1)
        return ea_fail(err, EA_PROTOCOL, "websocket: close frame of one byte");
    c = (unsigned char)payload.p[0] << 8 | (unsigned char)payload.p[1];
    if (c < 1000 || c >= 5000 || c == 1004 || c == 1005 || c == 1006 || c == 1015)
        return ea_fail(err, EA_PROTOCOL, "websocket: close code %d must not be sent", c);
    *code = c;
    *reason = (ea_str){ payload.p + 2, payload.n - 2 };
    return EA_OK;
}

void ea_ws_accept_key(const char *key, char out[29])
{
    /* RFC 6455 section 1.3 */
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char sum[20] = { 0 };
    EA_BUF_AUTO text = EA_BUF(256);
    EA_BUF_AUTO b64 = EA_BUF(64);

    ea_buf_adds(&text, key);
    ea_buf_adds(&text, guid);
    (void)mbedtls_sha1((const unsigned char *)ea_buf_z(&text), text.n,
                       sum); /* software: no failure */
    ea_buf_add_base64(&b64, sum, sizeof(sum));
    (void)snprintf(out, 29, "%s", ea_buf_z(&b64)); /* 28 characters */
}
