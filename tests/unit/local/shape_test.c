#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "local/api_shapes.h"
#include "local/local_api.h"

#include <cJSON.h>
#include <string.h>

static ea_code check(const char *operation, const char *json, ea_err *err)
{
    cJSON *tree = NULL;
    ea_code code;

    if (ea_json_parse(ea_str_of(json), &tree, err))
        fail_msg("%s", err->text);
    code = ea_lc_shape_check(ea_lc_op_shape_find(operation), tree, err);
    cJSON_Delete(tree);
    return code;
}

static void requests_are_checked_against_their_table(void **state)
{
    static const struct {
        const char *why, *operation, *json;
        ea_code code;
        const char *text; /* part of the error */
    } rows[] = {
        { "nothing is required", "ListClusters", "{}", EA_OK, NULL },
        { "unknown members pass", "ListClusters", "{\"x\":[1,{}]}", EA_OK, NULL },
        { "null is absent", "ListClusters", "{\"maxResults\":null}", EA_OK, NULL },
        { "text for a number", "ListClusters", "{\"maxResults\":\"1\"}", EA_PROTOCOL,
          "maxResults: whole number" },
        { "a fraction", "ListClusters", "{\"maxResults\":1.5}", EA_PROTOCOL, "whole number" },
        { "more than 32 bits", "ListClusters", "{\"maxResults\":4294967296}", EA_PROTOCOL,
          "whole number" },
        { "a list, not an object", "ListClusters", "[]", EA_PROTOCOL, "request: object" },
        { "a missing member", "StopTask", "{}", EA_INVALID, "task should not be null" },
        { "null for a required one", "StopTask", "{\"task\":null}", EA_INVALID, "task should" },
        { "a word that is none", "ListTasks", "{\"desiredStatus\":\"running\"}", EA_INVALID,
          "desiredStatus: 'running'" },
        { "a word inside a list", "DescribeTasks", "{\"tasks\":[],\"include\":[\"TAGS\",\"X\"]}",
          EA_INVALID, "include[1]: 'X'" },
        { "a number in a list of text", "DescribeTasks", "{\"tasks\":[1]}", EA_PROTOCOL,
          "tasks[0]: text" },
        { "deep inside", "RegisterTaskDefinition",
          "{\"family\":\"f\",\"containerDefinitions\":[{},{\"portMappings\":[{\"hostPort\":\"x\"}]}"
          "]}",
          EA_PROTOCOL, "containerDefinitions[1].portMappings[0].hostPort: whole number" },
        { "a map with a number", "RegisterTaskDefinition",
          "{\"family\":\"f\",\"containerDefinitions\":[{\"dockerLabels\":{\"a\":1}}]}", EA_PROTOCOL,
          "containerDefinitions[0].dockerLabels.a: text" },
        { "required inside an object", "RegisterTaskDefinition",
          "{\"family\":\"f\",\"containerDefinitions\":[{\"healthCheck\":{}}]}", EA_INVALID,
          "containerDefinitions[0].healthCheck.command should" },
        { "what is not carried out is refused", "RunTask",
          "{\"taskDefinition\":\"f\",\"enableExecuteCommand\":true}", EA_UNSUPPORTED,
          "enableExecuteCommand is not supported" },
        { "but passes when empty", "RunTask",
          "{\"taskDefinition\":\"f\",\"enableExecuteCommand\":false,\"networkConfiguration\":{}}",
          EA_OK, NULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        ea_err err = { 0 };
        ea_code code = check(rows[i].operation, rows[i].json, &err);

        if (code != rows[i].code || (rows[i].text && !strstr(err.text, rows[i].text)))
            fail_msg("%s: got %s '%s'", rows[i].why, ea_code_name(code), err.text);
    }
}

static void every_call_has_a_table_and_every_table_a_call(void **state)
{
    size_t n = 0;

    (void)state;
    for (const ea_lc_op_shape *op = ea_lc_op_shapes; op->name; op++, n++)
        if (!ea_lc_api_find(op->name))
            fail_msg("%s has a table, but nobody serves it", op->name);
    assert_true(n >= 36);
    assert_null(ea_lc_op_shape_find("CreateTaskSet"));
    assert_null(ea_lc_api_find("CreateTaskSet"));
}

static void pruning_leaves_what_the_table_lists(void **state)
{
    cJSON *tree = NULL;
    char *text;
    ea_err err;

    (void)state;
    assert_int_equal(
        ea_json_parse(EA_STR("{\"cluster\":\"c\",\"x\":1,\"attributes\":[{\"name\":\"n\","
                             "\"value\":null,\"y\":{}},{\"name\":\"m\"}]}"),
                      &tree, &err),
        EA_OK);
    ea_lc_shape_prune(ea_lc_op_shape_find("PutAttributes"), tree);
    text = cJSON_PrintUnformatted(tree);
    assert_string_equal(text,
                        "{\"cluster\":\"c\",\"attributes\":[{\"name\":\"n\"},{\"name\":\"m\"}]}");
    cJSON_free(text);
    cJSON_Delete(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_checked_against_their_table),
        cmocka_unit_test(every_call_has_a_table_and_every_table_a_call),
        cmocka_unit_test(pruning_leaves_what_the_table_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
