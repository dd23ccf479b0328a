/* ws_frame.h - websocket frames (RFC 6455 section 5) from and to bytes, client side. Pure.
 * Thread: that of the owner. */
#ifndef EA_NET_WS_FRAME_H
#define EA_NET_WS_FRAME_H

#include "../base/buf.h"

#define EA_WS_CONTROL_MAX 125

typedef enum ea_ws_opcode {
    EA_WS_CONT = 0,
    EA_WS_TEXT = 1,
    EA_WS_BINARY = 2,
    EA_WS_CLOSE = 8,
    EA_WS_PING = 9,
    EA_WS_PONG = 10,
} ea_ws_opcode;

typedef struct ea_ws_decoder {
    ea_buf message; /* reassembled so far; its `max` is the limit of one message */
    unsigned char head[10];
    size_t head_n, head_need;
    unsigned char control[EA_WS_CONTROL_MAX];
    size_t control_n;
    uint64_t left;   /* payload bytes of the present frame still to come */
    unsigned opcode; /* of the present frame */
    bool fin, in_payload;
    bool in_message; /* a fragmented message has begun */
    bool handed;     /* `message` was given out and is to be emptied */
} ea_ws_decoder;

void ea_ws_decoder_init(ea_ws_decoder *d, size_t message_max);
void ea_ws_decoder_done(ea_ws_decoder *d);
/* Takes bytes from the front of *in until something is whole. *got false: all taken, more needed.
 * Else *opcode is TEXT or BINARY (a whole message), PING, PONG or CLOSE, and *payload its bytes,
 * valid until the next call. EA_LIMIT: message larger than the limit (told at the frame's head, before
 * its payload is read). EA_PROTOCOL: masked frame, reserved bits, unknown opcode, broken
 * fragmentation, control frame fragmented or too long, length not in the shortest form. After an
 * error the decoder is not used any more. */
ea_code ea_ws_decode(ea_ws_decoder *d, ea_str *in, bool *got, ea_ws_opcode *opcode, ea_str *payload,
                     ea_err *err) EA_CHECK;

/* Appends one final frame, masked with `mask`. */
void ea_ws_encode(ea_buf *out, ea_ws_opcode opcode, ea_str payload, const unsigned char mask[4]);
/* Payload of a close frame: *code 1005 and "" when empty. EA_PROTOCOL: one byte, or a code that must
 * not stand in a frame. */
ea_code ea_ws_read_close(ea_str payload, int *code, ea_str *reason, ea_err *err) EA_CHECK;
/* Sec-WebSocket-Accept for a Sec-WebSocket-Key; 28 characters and NUL. */
void ea_ws_accept_key(const char *key, char out[29]);

#endif
