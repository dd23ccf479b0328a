#include "acs_attach.h"

#include "../base/alloc.h"
#include "acs_head.h"
#include "acs_message.h"

struct attach {
    char *task_arn;
    int64_t wait_ms;
    struct {
        struct ea_eni *v;
        size_t n;
    } enis;
};
struct confirm {
    struct ea_attachment *attachment;
};
/* clang-format off */
static const ea_jfield eni_fields[] = { /* control-plane.md sections 3.7, 3.10 */
    EA_JSTR(struct ea_eni, mac,            "macAddress",    EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTR(struct ea_eni, ec2_id,         "ec2Id",         EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTR(struct ea_eni, attachment_arn, "attachmentArn", 0),
};
static const ea_jshape eni_shape = EA_JSHAPE(struct ea_eni, eni_fields);
static const ea_jfield attach_fields[] = {
    EA_JSTR (struct attach, task_arn, "taskArn",                  0),
    EA_JI64 (struct attach, wait_ms,  "waitTimeoutMs",            0),
    EA_JLIST(struct attach, enis,     "elasticNetworkInterfaces", 0, &eni_shape),
};
static const ea_jshape attach_shape = EA_JSHAPE(struct attach, attach_fields);

static const ea_jfield prop_fields[] = {
    EA_JSTR(struct ea_attachment_prop, name,  "name",  EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTR(struct ea_attachment_prop, value, "value", EA_J_REQUIRED | EA_J_NONEMPTY),
};
static const ea_jshape prop_shape = EA_JSHAPE(struct ea_attachment_prop, prop_fields);
static const ea_jfield attachment_fields[] = {
    EA_JSTR (struct ea_attachment, arn,        "attachmentArn",        EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JSTR (struct ea_attachment, type,       "attachmentType",       0),
    EA_JLIST(struct ea_attachment, properties, "attachmentProperties", 0, &prop_shape),
};
static const ea_jshape attachment_shape = EA_JSHAPE(struct ea_attachment, attachment_fields);
static const ea_jfield confirm_fields[] = {
    EA_JPTR(struct confirm, attachment, "attachment", EA_J_REQUIRED, &attachment_shape),
};
static const ea_jshape confirm_shape = EA_JSHAPE(struct confirm, confirm_fields);
/* clang-format on */

/* Acked as the protocol wants it; the note tells the operator that nothing follows. */
static void ack(const struct ea_acs_head *h, const char *type, ea_acs_result *r)
{
    r->reply = ea_acs_ack_text(h->cluster_arn, h->instance_arn, h->message_id);
    (void)ea_fail(&r->note, EA_UNSUPPORTED,
                  "%s acknowledged, but attachments are not handled by this build", type);
}

static void on_attach(const struct cJSON *message, const char *type, bool of_task, ea_acs_result *r)
{
    struct ea_acs_head head;
    struct attach a;
    ea_err err = { 0 };

    if (!ea_acs_read_head(message, type, &head, r))
        return;
    if (ea_json_decode_value(&attach_shape, message, "", &a, &err)) {
        ea_acs_drop_message(r, type, err.text);
        ea_json_free(&ea_acs_head_shape, &head);
        return;
    }
    if (of_task && ea_zstr_empty(a.task_arn))
        ea_acs_drop_message(r, type, "taskArn is missing");
    else if (a.wait_ms <= 0)
        ea_acs_drop_message(r, type, "waitTimeoutMs is not positive");
    else if (a.enis.n == 0)
        ea_acs_drop_message(r, type, "elasticNetworkInterfaces is empty");
    else
        ack(&head, type, r);
    ea_json_free(&attach_shape, &a);
    ea_json_free(&ea_acs_head_shape, &head);
}

void ea_acs_on_attach_task(const struct cJSON *message, ea_acs_result *r)
{
    on_attach(message, "AttachTaskNetworkInterfacesMessage", true, r);
}

void ea_acs_on_attach_instance(const struct cJSON *message, ea_acs_result *r)
{
    on_attach(message, "AttachInstanceNetworkInterfacesMessage", false, r);
}

void ea_acs_on_confirm(const struct cJSON *message, ea_acs_result *r)
{
    static const char type[] = "ConfirmAttachmentMessage";
    struct ea_acs_head head;
    struct confirm c;
    ea_err err = { 0 };

    if (!ea_acs_read_head(message, type, &head, r))
        return;
    if (ea_json_decode_value(&confirm_shape, message, "", &c, &err)) {
        ea_acs_drop_message(r, type, err.text);
    } else {
        ack(&head, type, r);
        ea_json_free(&confirm_shape, &c);
    }
    ea_json_free(&ea_acs_head_shape, &head);
}
