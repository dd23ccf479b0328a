#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/json.h"

#include <cJSON.h>
#include <stdlib.h>
#include <string.h>

/* One shape that has a member of every kind. */
enum color {
    NO_COLOR,
    RED,
    GREEN
};

struct part {
    char *name;
    int64_t port;
};
struct whole {
    char *arn, *token, *raw;
    int64_t memory, cpu;
    double share;
    bool essential;
    ea_opt_i64 exit_code;
    ea_opt_bool enabled;
    int color;
    struct part inner;
    struct part *extra;
    struct {
        struct part *v;
        size_t n;
    } parts;
    ea_strlist command;
    ea_i64list codes;
    ea_strmap env;
    int64_t extended; /* only in the shape built on top of the first */
};

static const ea_jname color_names[] = {
    { "NONE", NO_COLOR }, { "RED", RED }, { "ROT", RED }, { "GREEN", GREEN }, { NULL, 0 }
};
static const ea_jfield part_fields[] = {
    EA_JSTR(struct part, name, "name", EA_J_REQUIRED | EA_J_NONEMPTY),
    EA_JI64(struct part, port, "port", EA_J_NONNEG),
};
static const ea_jshape part_shape = EA_JSHAPE(struct part, part_fields);
static const ea_jfield loose_fields[] = {
    EA_JSTR(struct part, name, "name", 0),
    EA_JI64(struct part, port, "port", 0),
};
static const ea_jshape loose_shape = EA_JSHAPE(struct part, loose_fields);
static const ea_jfield whole_fields[] = {
    EA_JSTR(struct whole, arn, "taskArn", EA_J_REQUIRED),
    EA_JSTR(struct whole, token, "token", EA_J_SECRET | EA_J_NOSTORE),
    EA_JRAW(struct whole, raw, "raw", 0),
    EA_JI64(struct whole, memory, "memory", EA_J_NONNEG),
    EA_JI64(struct whole, cpu, "cpu", 0),
    EA_JF64(struct whole, share, "share", 0),
    EA_JBOOL(struct whole, essential, "essential", 0),
    EA_JOPTI64(struct whole, exit_code, "exitCode", 0),
    EA_JOPTBOOL(struct whole, enabled, "enabled", 0),
    EA_JENUM(struct whole, color, "color", 0, color_names),
    EA_JOBJ(struct whole, inner, "inner", 0, &loose_shape),
    EA_JPTR(struct whole, extra, "extra", 0, &part_shape),
    EA_JLIST(struct whole, parts, "parts", 0, &part_shape),
    EA_JSTRLIST(struct whole, command, "command", 0),
    EA_JI64LIST(struct whole, codes, "codes", 0),
    EA_JSTRMAP(struct whole, env, "env", EA_J_SECRET),
};
static const ea_jshape whole_shape = EA_JSHAPE(struct whole, whole_fields);
static const ea_jfield extended_fields[] = { EA_JI64(struct whole, extended, "extended", 0) };
static const ea_jshape extended_shape = EA_JSHAPE_ON(struct whole, extended_fields, &whole_shape);
static const ea_jshape exact_shape = { sizeof(struct part), loose_fields, 2, NULL, true };

static const char full[] =
    "{\"taskArn\":\"arn:1\",\"token\":\"s3cret\",\"raw\":{\"a\":[1,2.5,null,\"x\"]},\"memory\":500,"
    "\"cpu\":-3,\"share\":0.1,\"essential\":true,\"exitCode\":0,\"enabled\":false,"
    "\"color\":\"GREEN\",\"inner\":{\"name\":\"in\",\"port\":1},\"extra\":{\"name\":\"ex\"},"
    "\"parts\":[{\"name\":\"a\",\"port\":80},{\"name\":\"b\"}],\"command\":[\"sh\",\"\",\"-c\"],"
    "\"codes\":[0,137],\"env\":{\"A\":\"1\",\"B\":\"\"}}";

static void encode_as(const ea_jshape *shape, const void *obj, ea_jmode mode, const char *want)
{
    EA_BUF_AUTO b = EA_BUF(10000);

    ea_json_encode(shape, obj, mode, &b);
    assert_string_equal(ea_buf_z(&b), want);
}

static void every_kind_of_member_is_read(void **state)
{
    struct whole w;
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_json_decode(&whole_shape, ea_str_of(full), &w, &err), EA_OK);
    assert_string_equal(w.arn, "arn:1");
    assert_string_equal(w.raw, "{\"a\":[1,2.5,null,\"x\"]}");
    assert_int_equal(w.memory, 500);
    assert_int_equal(w.cpu, -3);
    assert_true(w.share > 0.09 && w.share < 0.11);
    assert_true(w.essential);
    assert_true(w.exit_code.has && w.exit_code.v == 0);
    assert_true(w.enabled.has && !w.enabled.v);
    assert_int_equal(w.color, GREEN);
    assert_string_equal(w.inner.name, "in");
    assert_string_equal(w.extra->name, "ex");
    assert_int_equal(w.parts.n, 2);
    assert_int_equal(w.parts.v[0].port, 80);
    assert_string_equal(w.parts.v[1].name, "b");
    assert_int_equal(w.command.n, 3);
    assert_string_equal(w.command.v[2], "-c");
    assert_int_equal(w.codes.v[1], 137);
    assert_string_equal(ea_strmap_get(&w.env, "B"), "");
    assert_null(ea_strmap_get(&w.env, "C"));
    ea_json_free(&whole_shape, &w);
    assert_null(w.arn);
    assert_int_equal(w.parts.n, 0);
    ea_json_free(&whole_shape, &w); /* a second time is harmless */
}

static void what_was_read_is_written_the_same(void **state)
{
    struct whole w, copy;
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_json_decode(&whole_shape, ea_str_of(full), &w, &err), EA_OK);
    encode_as(&whole_shape, &w, EA_J_WIRE, full);
    assert_int_equal(ea_json_copy(&whole_shape, &w, &copy, &err), EA_OK);
    ea_json_free(&whole_shape, &w);
    encode_as(&whole_shape, &copy, EA_J_WIRE, full);
    ea_json_free(&whole_shape, &copy);
}

static void secrets_are_masked_in_print_and_kept_out_of_the_store(void **state)
{
    struct whole w;
    ea_err err = { 0 };
    const char text[] = "{\"taskArn\":\"a\",\"token\":\"s3cret\",\"env\":{\"K\":\"v\"}}";

    (void)state;
    assert_int_equal(ea_json_decode(&whole_shape, ea_str_of(text), &w, &err), EA_OK);
    encode_as(&whole_shape, &w, EA_J_PRINT,
              "{\"taskArn\":\"a\",\"token\":\"***\",\"env\":{\"K\":\"***\"}}");
    encode_as(&whole_shape, &w, EA_J_STORE, "{\"taskArn\":\"a\",\"env\":{\"K\":\"v\"}}");
    ea_json_free(&whole_shape, &w);
}

static void empty_members_are_left_out_unless_always_told(void **state)
{
    static const ea_jfield always_fields[] = {
        EA_JSTR(struct whole, arn, "s", EA_J_ALWAYS),
        EA_JI64(struct whole, cpu, "i", EA_J_ALWAYS),
        EA_JF64(struct whole, share, "f", EA_J_ALWAYS),
        EA_JBOOL(struct whole, essential, "b", EA_J_ALWAYS),
        EA_JOPTI64(struct whole, exit_code, "oi", EA_J_ALWAYS),
        EA_JOPTBOOL(struct whole, enabled, "ob", EA_J_ALWAYS),
        EA_JENUM(struct whole, color, "e", EA_J_ALWAYS, color_names),
        EA_JOBJ(struct whole, inner, "o", EA_J_ALWAYS, &loose_shape),
        EA_JPTR(struct whole, extra, "p", EA_J_ALWAYS, &part_shape),
        EA_JLIST(struct whole, parts, "l", EA_J_ALWAYS, &part_shape),
        EA_JSTRLIST(struct whole, command, "sl", EA_J_ALWAYS),
        EA_JI64LIST(struct whole, codes, "il", EA_J_ALWAYS),
        EA_JSTRMAP(struct whole, env, "m", EA_J_ALWAYS),
        EA_JRAW(struct whole, raw, "r", EA_J_ALWAYS),
    };
    static const ea_jshape always = EA_JSHAPE(struct whole, always_fields);
    struct whole w = { 0 };

    (void)state;
    encode_as(&whole_shape, &w, EA_J_WIRE, "{}");
    encode_as(&always, &w, EA_J_WIRE,
              "{\"s\":\"\",\"i\":0,\"f\":0,\"b\":false,\"oi\":null,\"ob\":null,\"e\":\"NONE\","
              "\"o\":{},\"p\":null,\"l\":[],\"sl\":[],\"il\":[],\"m\":{},\"r\":null}");
}

static void an_inner_object_without_content_leaves_no_trace(void **state)
{
    struct whole w = { .cpu = 2 };

    (void)state;
    w.color = RED;
    encode_as(&whole_shape, &w, EA_J_WIRE, "{\"cpu\":2,\"color\":\"RED\"}");
    w.inner.port = 3;
    encode_as(&whole_shape, &w, EA_J_WIRE, "{\"cpu\":2,\"color\":\"RED\",\"inner\":{\"port\":3}}");
}

static void a_shape_may_stand_on_another(void **state)
{
    struct whole w, copy;
    ea_err err = { 0 };
    const char text[] = "{\"taskArn\":\"a\",\"extended\":9}";

    (void)state;
    assert_int_equal(ea_json_decode(&extended_shape, ea_str_of(text), &w, &err), EA_OK);
    assert_int_equal(w.extended, 9);
    encode_as(&extended_shape, &w, EA_J_WIRE, text);
    encode_as(&whole_shape, &w, EA_J_WIRE, "{\"taskArn\":\"a\"}");
    assert_int_equal(ea_json_copy(&extended_shape, &w, &copy, &err), EA_OK);
    ea_json_free(&extended_shape, &w);
    encode_as(&extended_shape, &copy, EA_J_WIRE, text);
    ea_json_free(&extended_shape, &copy);
    w = (struct whole){ .extended = 1 };
    encode_as(&extended_shape, &w, EA_J_WIRE, "{\"extended\":1}");
}

static void wrong_input_is_named_by_its_path(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "empty text where JSON is expected" },
        { "{", "not JSON at byte 0 of 1" },
        { "{} x", "not JSON at byte 3 of 4" },
        { "[]", "object expected" },
        { "null", "object expected" },
        { "{}", "taskArn: missing" },
        { "{\"taskArn\":null}", "taskArn: missing" },
        { "{\"taskArn\":5}", "taskArn: string expected" },
        { "{\"taskArn\":\"\",\"memory\":\"5\"}", "memory: number expected" },
        { "{\"taskArn\":\"\",\"memory\":-5}", "memory: must not be negative" },
        { "{\"taskArn\":\"\",\"memory\":5.5}", "memory: whole number expected" },
        { "{\"taskArn\":\"\",\"memory\":1e19}", "memory: number out of range" },
        { "{\"taskArn\":\"\",\"cpu\":9223372036854775808}", "cpu: number out of range" },
        { "{\"taskArn\":\"\",\"cpu\":1e999}", "cpu: number out of range" },
        { "{\"taskArn\":\"\",\"share\":1e999}", "share: number out of range" },
        { "{\"taskArn\":\"\",\"share\":true}", "share: number expected" },
        { "{\"taskArn\":\"\",\"essential\":1}", "essential: true or false expected" },
        { "{\"taskArn\":\"\",\"exitCode\":\"\"}", "exitCode: number expected" },
        { "{\"taskArn\":\"\",\"enabled\":0}", "enabled: true or false expected" },
        { "{\"taskArn\":\"\",\"color\":\"BLUE\"}", "color: unknown word 'BLUE'" },
        { "{\"taskArn\":\"\",\"color\":1}", "color: string expected" },
        { "{\"taskArn\":\"\",\"inner\":[]}", "inner: object expected" },
        { "{\"taskArn\":\"\",\"inner\":{\"port\":\"x\"}}", "inner.port: number expected" },
        { "{\"taskArn\":\"\",\"extra\":{}}", "extra.name: missing" },
        { "{\"taskArn\":\"\",\"extra\":{\"name\":\"\"}}", "extra.name: must not be empty" },
        { "{\"taskArn\":\"\",\"parts\":{}}", "parts: array expected" },
        { "{\"taskArn\":\"\",\"parts\":[{\"name\":\"a\"},null]}", "parts[1]: object expected" },
        { "{\"taskArn\":\"\",\"parts\":[{\"name\":\"a\"},{\"name\":\"b\",\"port\":[]}]}",
          "parts[1].port: number expected" },
        { "{\"taskArn\":\"\",\"command\":\"ls\"}", "command: array expected" },
        { "{\"taskArn\":\"\",\"command\":[\"ls\",7]}", "command[1]: string expected" },
        { "{\"taskArn\":\"\",\"codes\":[1,\"2\"]}", "codes[1]: number expected" },
        { "{\"taskArn\":\"\",\"env\":[]}", "env: object expected" },
        { "{\"taskArn\":\"\",\"env\":{\"A\":\"x\",\"B\":1}}", "env.B: string expected" },
        { "{\"taskArn\":\"a\\u0000b\"}", "a NUL character in JSON is not supported" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        static const struct whole zero;
        struct whole w;
        ea_err err = { 0 };

        memset(&w, 0x5a, sizeof(w));
        assert_int_equal(ea_json_decode(&whole_shape, ea_str_of(cases[i].text), &w, &err),
                         EA_INVALID);
        if (strcmp(err.text, cases[i].want) != 0)
            fail_msg("%s: %s, want %s", cases[i].text, err.text, cases[i].want);
        assert_memory_equal(&w, &zero, sizeof(w));
    }
}

static void a_part_of_a_tree_is_decoded_under_the_callers_path(void **state)
{
    ea_err err = { 0 };
    cJSON *tree = NULL;
    struct part p;

    (void)state;
    assert_int_equal(ea_json_parse(EA_STR("{\"port\":1}"), &tree, &err), EA_OK);
    assert_int_equal(ea_json_decode_value(&part_shape, tree, "tasks[3]", &p, &err), EA_INVALID);
    assert_string_equal(err.text, "tasks[3].name: missing");
    cJSON_Delete(tree);
}

static void unknown_null_and_repeated_members_do_no_harm(void **state)
{
    static const char text[] =
        "{\"taskArn\":\"first\",\"taskArn\":\"second\",\"new\":{\"x\":[1]},\"memory\":null,"
        "\"extra\":null,\"parts\":null,\"env\":{\"A\":\"1\",\"N\":null,\"A\":\"2\",\"a\":\"3\"}}";
    struct whole w;
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(ea_json_decode(&whole_shape, ea_str_of(text), &w, &err), EA_OK);
    encode_as(&whole_shape, &w, EA_J_WIRE,
              "{\"taskArn\":\"first\",\"env\":{\"A\":\"1\",\"a\":\"3\"}}");
    ea_json_free(&whole_shape, &w);
}

static void names_match_exactly_first_then_without_case(void **state)
{
    struct part p;
    ea_err err = { 0 };

    (void)state;
    assert_int_equal(
        ea_json_decode(&part_shape, EA_STR("{\"NAME\":\"x\",\"PORT\":1,\"port\":2}"), &p, &err),
        EA_OK);
    assert_string_equal(p.name, "x");
    assert_int_equal(p.port, 2);
    ea_json_free(&part_shape, &p);
    assert_int_equal(ea_json_decode(&exact_shape, EA_STR("{\"NAME\":\"x\",\"port\":2}"), &p, &err),
                     EA_OK);
    assert_null(p.name);
    assert_int_equal(p.port, 2);
    ea_json_free(&exact_shape, &p);
}

static void numbers_keep_their_value(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "0", "0" },
        { "-0", "0" },
        { "3", "3" },
        { "1e3", "1000" },
        { "0.1", "0.1" },
        { "1751303000.123", "1751303000.123" },
        { "0.30000000000000004", "0.30000000000000004" },
        { "1e-9", "1e-09" },
        { "-2.5", "-2.5" },
        { "9007199254740992", "9007199254740992" },
        { "1e300", "1e+300" },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_BUF_AUTO b = EA_BUF(100);
        ea_err err = { 0 };
        cJSON *tree = NULL;

        assert_int_equal(ea_json_parse(ea_str_of(cases[i].in), &tree, &err), EA_OK);
        ea_json_add_value(&b, tree);
        cJSON_Delete(tree);
        if (strcmp(ea_buf_z(&b), cases[i].out) != 0)
            fail_msg("%s: %s", cases[i].in, ea_buf_z(&b));
    }
}

static void integers_reach_both_ends(void **state)
{
    struct whole w = { .cpu = INT64_MIN, .memory = INT64_MAX };
    ea_err err = { 0 };

    (void)state;
    encode_as(&whole_shape, &w, EA_J_WIRE,
              "{\"memory\":9223372036854775807,\"cpu\":-9223372036854775808}");
    assert_int_equal(ea_json_decode(&whole_shape,
                                    EA_STR("{\"taskArn\":\"\",\"cpu\":-9223372036854775808,"
                                           "\"memory\":9007199254740991}"),
                                    &w, &err),
                     EA_OK);
    assert_true(w.cpu == INT64_MIN);
    assert_true(w.memory == 9007199254740991);
    ea_json_free(&whole_shape, &w);
}

/* `[{},{},...]` turns three bytes of text into a struct of some hundred. */
static void a_flood_of_elements_is_refused(void **state)
{
    static const ea_jfield fields[] = { EA_JLIST(struct whole, parts, "w", 0, &whole_shape) };
    static const ea_jshape shape = EA_JSHAPE(struct whole, fields);
    EA_BUF_AUTO b = EA_BUF(2000000);
    struct whole w;
    ea_err err = { 0 };

    (void)state;
    ea_buf_adds(&b, "{\"w\":[{}");
    for (int i = 0; i < 400000; i++)
        ea_buf_adds(&b, ",{}");
    ea_buf_adds(&b, "]}");
    assert_int_equal(ea_json_decode(&shape, ea_buf_str(&b), &w, &err), EA_LIMIT);
    assert_string_equal(err.text, "w: too many elements");
}

static void many_repeated_names_cost_no_quadratic_time(void **state)
{
    EA_BUF_AUTO b = EA_BUF(4000000);
    struct whole w;
    ea_err err = { 0 };

    (void)state;
    ea_buf_adds(&b, "{\"taskArn\":\"\",\"env\":{\"x\":\"0\"");
    for (int i = 0; i < 100000; i++)
        ea_buf_addf(&b, ",\"k%d\":\"%d\"", i / 2, i);
    ea_buf_adds(&b, "}}");
    assert_int_equal(ea_json_decode(&whole_shape, ea_buf_str(&b), &w, &err), EA_OK);
    assert_int_equal(w.env.n, 50001);
    assert_string_equal(w.env.v[50000].v, "99998");
    ea_json_free(&whole_shape, &w);
}

static void nesting_has_an_end(void **state)
{
    EA_BUF_AUTO b = EA_BUF(20000);
    ea_err err = { 0 };
    cJSON *tree = NULL;

    (void)state;
    for (int i = 0; i < 5000; i++)
        ea_buf_addc(&b, '[');
    for (int i = 0; i < 5000; i++)
        ea_buf_addc(&b, ']');
    assert_int_equal(ea_json_parse(ea_buf_str(&b), &tree, &err), EA_INVALID);
    assert_null(tree);
}

/* Each allocation fails in turn; nothing leaks (the sanitizer looks) and nothing half-made stays. */
static void without_memory_nothing_is_left_over(void **state)
{
    static const struct whole zero;
    unsigned n = 1;
    ea_err err = { 0 };
    struct whole w, copy;
    ea_code code;

    (void)state;
    do {
        ea_alloc_fail_after(n);
        code = ea_json_decode(&whole_shape, ea_str_of(full), &w, &err);
        ea_alloc_fail_after(0);
        if (code != EA_OK) {
            assert_int_equal(code, EA_NO_MEMORY);
            assert_memory_equal(&w, &zero, sizeof(w));
            n++;
        }
    } while (code != EA_OK);
    assert_true(n > 60);
    n = 1;
    do {
        ea_alloc_fail_after(n++);
        code = ea_json_copy(&whole_shape, &w, &copy, &err);
        ea_alloc_fail_after(0);
        if (code != EA_OK)
            assert_memory_equal(&copy, &zero, sizeof(copy));
    } while (code != EA_OK);
    assert_true(n > 20);
    ea_json_free(&whole_shape, &copy);
    ea_json_free(&whole_shape, &w);
}

/* A cheap fuzzer: bytes of a good message are changed, cut and doubled at random. */
static void damaged_messages_never_do_more_than_fail(void **state)
{
    unsigned seed = 12345;
    int good = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        char text[sizeof(full) * 2];
        size_t n = sizeof(full) - 1;
        struct whole w;
        ea_err err = { 0 };

        memcpy(text, full, n);
        for (int change = 0; change < 1 + round % 4; change++) {
            seed = seed * 1103515245u + 12345u;
            size_t where = (seed >> 8) % n;
            switch ((seed >> 28) & 3) {
            case 0:
                text[where] = (char)(seed >> 16);
                break;
            case 1:
                n = where + 1;
                break;
            case 2:
                text[where] = "{}[]\":,0-e.\\un"[(seed >> 4) % 14];
                break;
            default:
                memmove(text + where, text + where / 2, (n - where) / 2);
                break;
            }
        }
        if (ea_json_decode(&whole_shape, (ea_str){ text, n }, &w, &err) == EA_OK) {
            EA_BUF_AUTO b = EA_BUF(100000);
            struct whole again;

            good++;
            ea_json_encode(&whole_shape, &w, EA_J_WIRE, &b);
            assert_int_equal(ea_json_decode(&whole_shape, ea_buf_str(&b), &again, &err),
                             w.arn && w.arn[0] ? EA_OK : EA_INVALID);
            ea_json_free(&whole_shape, &again);
            ea_json_free(&whole_shape, &w);
        }
    }
    assert_true(good > 100);
}

static void trees_answer_with_exact_names(void **state)
{
    ea_err err = { 0 };
    cJSON *tree = NULL;

    (void)state;
    assert_int_equal(
        ea_json_parse(EA_STR(" {\"Id\":\"x\",\"id\":\"y\",\"n\":5,\"z\":null} \n"), &tree, &err),
        EA_OK);
    assert_string_equal(ea_json_get_str(tree, "id"), "y");
    assert_null(ea_json_get_str(tree, "ID"));
    assert_null(ea_json_get_str(tree, "n"));
    assert_non_null(ea_json_get(tree, "n"));
    assert_null(ea_json_get(tree, "z"));
    assert_null(ea_json_get(NULL, "z"));
    ea_json_delete(tree);
    ea_json_delete(NULL);
}

static void lists_and_maps_of_text_grow_by_hand(void **state)
{
    struct whole w;
    ea_err err = { 0 };
    ea_strmap m = { 0 };

    (void)state;
    assert_int_equal(ea_json_decode(&whole_shape, ea_str_of(full), &w, &err), EA_OK);
    for (int i = 0; i < 10; i++)
        ea_strlist_add(&w.command, "more"); /* onto a list that the decoder made */
    assert_int_equal(w.command.n, 13);
    assert_string_equal(w.command.v[12], "more");
    ea_strlist_free(&w.command);
    ea_json_free(&whole_shape, &w);
    ea_strmap_set(&m, "a", "1");
    ea_strmap_set(&m, "b", "2");
    ea_strmap_set(&m, "a", "3");
    assert_int_equal(m.n, 2);
    assert_string_equal(ea_strmap_get(&m, "a"), "3");
    ea_strmap_free(&m);
}

static void an_object_may_be_read_for_a_few_of_its_members(void **state)
{
    static const char *const names[] = { "Id", "State", "List" };
    static const struct {
        const char *why, *text, *want; /* NULL: refused */
    } cases[] = {
        { "nothing of it", "{\"a\":1}", "{}" },
        { "one between others", "{\"a\":{\"Id\":1},\"Id\":\"x\",\"b\":[\"}\"]}", "{\"Id\":\"x\"}" },
        { "all, in their own order", " { \"List\" : [1, {\"Id\":2}] , \"Id\":null, \"State\":{} } ",
          "{\"List\":[1,{\"Id\":2}],\"Id\":null,\"State\":{}}" },
        { "another case is another name", "{\"id\":1}", "{}" },
        { "twice: the first is found first", "{\"Id\":1,\"Id\":2}", "{\"Id\":1,\"Id\":2}" },
        { "escapes stay", "{\"Id\":\"a\\\"b\\u00e9\"}", "{\"Id\":\"a\\\"b\xc3\xa9\"}" },
        { "no object", "[1]", "{}" },
        { "a mistake in what is left out", "{\"Id\":1,\"b\":tru}", NULL },
        { "cut", "{\"Id\":1", NULL },
        { "something behind it", "{\"Id\":1}x", NULL },
        { "nothing", "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(cases); i++) {
        EA_BUF_AUTO b = EA_BUF(1000);
        cJSON *tree = NULL;
        ea_err err = { 0 };
        ea_code code =
            ea_json_parse_some(ea_str_of(cases[i].text), names, EA_COUNT(names), &tree, &err);

        if (!cases[i].want) {
            if (code != EA_INVALID || tree)
                fail_msg("%s: not refused", cases[i].why);
            continue;
        }
        if (code)
            fail_msg("%s: %s", cases[i].why, err.text);
        ea_json_add_value(&b, tree);
        if (strcmp(ea_buf_z(&b), cases[i].want) != 0)
            fail_msg("%s: got %s, want %s", cases[i].why, ea_buf_z(&b), cases[i].want);
        ea_json_delete(tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_member_is_read),
        cmocka_unit_test(what_was_read_is_written_the_same),
        cmocka_unit_test(secrets_are_masked_in_print_and_kept_out_of_the_store),
        cmocka_unit_test(empty_members_are_left_out_unless_always_told),
        cmocka_unit_test(an_inner_object_without_content_leaves_no_trace),
        cmocka_unit_test(a_shape_may_stand_on_another),
        cmocka_unit_test(wrong_input_is_named_by_its_path),
        cmocka_unit_test(a_part_of_a_tree_is_decoded_under_the_callers_path),
        cmocka_unit_test(unknown_null_and_repeated_members_do_no_harm),
        cmocka_unit_test(names_match_exactly_first_then_without_case),
        cmocka_unit_test(numbers_keep_their_value),
        cmocka_unit_test(integers_reach_both_ends),
        cmocka_unit_test(a_flood_of_elements_is_refused),
        cmocka_unit_test(many_repeated_names_cost_no_quadratic_time),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(without_memory_nothing_is_left_over),
        cmocka_unit_test(damaged_messages_never_do_more_than_fail),
        cmocka_unit_test(trees_answer_with_exact_names),
        cmocka_unit_test(lists_and_maps_of_text_grow_by_hand),
        cmocka_unit_test(an_object_may_be_read_for_a_few_of_its_members),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
