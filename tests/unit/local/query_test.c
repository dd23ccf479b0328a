#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "local/cw_shapes.h"
#include "local/query.h"

#include <cJSON.h>
#include <string.h>

static const ea_lc_shape *input(const char *operation)
{
    return ea_lc_cw_op_find(operation)->input;
}

static void forms_become_trees(void **state)
{
    static const struct {
        const char *why, *operation, *form, *tree; /* NULL: refused */
    } rows[] = {
        { "nothing", "ListMetrics", "", "{}" },
        { "what is not listed is left out", "ListMetrics", "Action=ListMetrics&Version=x&Foo.1=2&",
          "{}" },
        { "text", "ListMetrics", "Namespace=AWS%2FECS&MetricName=a+b",
          "{\"Namespace\":\"AWS/ECS\",\"MetricName\":\"a b\"}" },
        { "empty text is text", "ListMetrics", "NextToken=&MetricName",
          "{\"NextToken\":\"\",\"MetricName\":\"\"}" },
        { "a list of objects", "ListMetrics",
          "Dimensions.member.1.Name=a&Dimensions.member.1.Value=b&Dimensions.member.2.Name=c",
          "{\"Dimensions\":[{\"Name\":\"a\",\"Value\":\"b\"},{\"Name\":\"c\"}]}" },
        { "in any order", "ListMetrics", "Dimensions.member.2.Name=c&Dimensions.member.1.Value=b",
          "{\"Dimensions\":[{\"Value\":\"b\"},{\"Name\":\"c\"}]}" },
        { "an empty list", "ListMetrics", "Dimensions=", "{\"Dimensions\":[]}" },
        { "a list of texts", "GetMetricStatistics",
          "Statistics.member.1=Sum&Statistics.member.2=Average",
          "{\"Statistics\":[\"Sum\",\"Average\"]}" },
        { "numbers and times", "GetMetricStatistics",
          "Period=60&StartTime=1970-01-02T00%3A00%3A00Z&EndTime=1970-01-02T00:00:00.5%2B01:00",
          "{\"Period\":60,\"StartTime\":86400,\"EndTime\":82800.5}" },
        { "objects in objects in lists", "GetMetricData",
          "MetricDataQueries.member.1.Id=a&MetricDataQueries.member.1.ReturnData=false&"
          "MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Name=n&"
          "MetricDataQueries.member.1.MetricStat.Period=5",
          "{\"MetricDataQueries\":[{\"Id\":\"a\",\"ReturnData\":false,\"MetricStat\":{\"Metric\":{"
          "\"Dimensions\":[{\"Name\":\"n\"}]},\"Period\":5}}]}" },
        { "a gap in a list", "ListMetrics", "Dimensions.member.2.Name=c", NULL },
        { "item nought", "ListMetrics", "Dimensions.member.0.Name=c", NULL },
        { "an item too far", "ListMetrics", "Dimensions.member.501.Name=c", NULL },
        { "an item very far", "ListMetrics", "Dimensions.member.99999999999999999999.Name=c",
          NULL },
        { "a list without member", "ListMetrics", "Dimensions.1.Name=c", NULL },
        { "a list that is text", "ListMetrics", "Dimensions=c", NULL },
        { "text that is deeper", "ListMetrics", "Namespace.member.1=c", NULL },
        { "twice", "ListMetrics", "Namespace=a&Namespace=b", NULL },
        { "no number", "GetMetricStatistics", "Period=6O", NULL },
        { "a number too large", "GetMetricStatistics", "Period=4294967296", NULL },
        { "no time", "GetMetricStatistics", "StartTime=yesterday", NULL },
        { "neither true nor false", "GetMetricData", "MetricDataQueries.member.1.ReturnData=yes",
          NULL },
        { "half an escape", "ListMetrics", "Namespace=%4", NULL },
        { "no escape", "ListMetrics", "Namespace=%zz", NULL },
        { "a NUL", "ListMetrics", "Namespace=a%00b", NULL },
        { "no UTF-8", "ListMetrics", "Namespace=%ff", NULL },
    };

    (void)state;
    for (size_t i = 0; i < EA_COUNT(rows); i++) {
        cJSON *tree = NULL;
        ea_err err = { 0 };
        ea_code code =
            ea_lc_query_parse(ea_str_of(rows[i].form), input(rows[i].operation), &tree, &err);
        char *text = tree ? cJSON_PrintUnformatted(tree) : NULL;

        if (!rows[i].tree ? code == EA_OK : code != EA_OK || strcmp(text, rows[i].tree) != 0)
            fail_msg("%s: %s %s", rows[i].why, text ? text : "refused", err.text);
        cJSON_free(text);
        cJSON_Delete(tree);
    }
}

static void a_form_has_bounds(void **state)
{
    EA_BUF_AUTO b = EA_BUF(8 * 1024 * 1024);
    cJSON *tree = NULL;
    ea_err err = { 0 };

    (void)state;
    for (int i = 0; i < EA_LC_QUERY_PAIRS_MAX + 1; i++)
        ea_buf_addf(&b, "x%d=1&", i);
    assert_int_equal(ea_lc_query_parse(ea_buf_str(&b), input("ListMetrics"), &tree, &err),
                     EA_LIMIT);
    ea_buf_clear(&b);
    ea_buf_adds(&b, "Namespace=");
    for (int i = 0; i < 5000; i++)
        ea_buf_addc(&b, 'a');
    assert_int_equal(ea_lc_query_parse(ea_buf_str(&b), input("ListMetrics"), &tree, &err),
                     EA_PROTOCOL);
    assert_null(tree);
}

static void one_value_is_found(void **state)
{
    char *action = ea_lc_query_get(EA_STR("a=b&Action=Get%20it&Action=no"), "Action");

    (void)state;
    assert_string_equal(action, "Get it");
    ea_free(action);
    assert_null(ea_lc_query_get(EA_STR("actions=1&Act=2"), "Action"));
    assert_null(ea_lc_query_get(EA_STR("Action=%x"), "Action"));
}

static void trees_become_xml(void **state)
{
    static const char json[] =
        "{\"NextToken\":\"1.5\",\"MetricDataResults\":[{\"Values\":[0.1,1e21,-3],\"Id\":\"a\","
        "\"Label\":\"<a & \\\"b\\\">\\u0001\\r\",\"Timestamps\":[86400,86400.5],"
        "\"unknown\":1}]}";
    cJSON *tree = cJSON_Parse(json);
    EA_BUF_AUTO b = EA_BUF(4096);

    (void)state;
    ea_lc_xml_add(&b, ea_lc_cw_op_find("GetMetricData")->output, tree);
    assert_string_equal(
        ea_buf_z(&b),
        "<MetricDataResults><member><Id>a</Id><Label>&lt;a &amp; &quot;b&quot;&gt;\xEF\xBF\xBD&#13;"
        "</Label><Timestamps><member>1970-01-02T00:00:00Z</member><member>1970-01-02T00:00:00.5Z"
        "</member></Timestamps><Values><member>0.1</member><member>1e+21</member><member>-3"
        "</member></Values></member></MetricDataResults><NextToken>1.5</NextToken>");
    cJSON_Delete(tree);
    ea_buf_clear(&b);
    ea_lc_xml_add_text(&b, EA_STR("\xff\xc3z"));
    assert_string_equal(ea_buf_z(&b), "\xEF\xBF\xBD\xEF\xBF\xBDz");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_become_trees),
        cmocka_unit_test(a_form_has_bounds),
        cmocka_unit_test(one_value_is_found),
        cmocka_unit_test(trees_become_xml),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
