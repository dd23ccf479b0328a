/* cloudwatch.c - questions about metrics, answered. See cloudwatch.h. */
#include "cloudwatch.h"

#include "../base/alloc.h"

#include <cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define WRONG_VALUE "InvalidParameterValue"
#define WRONG_PAIR  "InvalidParameterCombination"
#define WRONG_TOKEN "InvalidNextToken"
#define VALIDATION  "ValidationError"
#define NAME_MAX    255
#define VALUE_MAX   1024
#define FILTERS_MAX 10
#define SECONDS_MAX 253402300799.0 /* end of the year 9999 */

static const char *const statistic_names[] = { "SampleCount", "Average", "Sum", "Minimum",
                                               "Maximum" };

static int refuse(ea_lc_cw_call *c, const char *error, const char *fmt, ...) EA_PRINTF(3, 4);
static int refuse(ea_lc_cw_call *c, const char *error, const char *fmt, ...)
{
    va_list ap;

    c->error = error;
    va_start(ap, fmt);
    (void)vsnprintf(c->message, sizeof(c->message), fmt, ap); /* a long sentence is cut */
    va_end(ap);
    c->message[ea_utf8_cut(c->message, strlen(c->message), sizeof(c->message) - 1)] = '\0';
    return -1;
}

static const char *str(const cJSON *in, const char *name)
{
    return ea_json_get_str(in, name);
}

/* ---- what a question is about ----------------------------------------------------------------- */

/* Lengths that every call has to keep. */
static int check_names(ea_lc_cw_call *c, const cJSON *in, bool filter)
{
    const char *names[] = { str(in, "Namespace"), str(in, "MetricName") };
    const cJSON *list = ea_json_get(in, "Dimensions"), *d, *other;

    for (size_t i = 0; i < EA_COUNT(names); i++)
        if (names[i] && (names[i][0] == '\0' || strlen(names[i]) > NAME_MAX))
            return refuse(c, WRONG_VALUE, "The parameter %s must be 1 to %d characters long.",
                          i ? "MetricName" : "Namespace", NAME_MAX);
    if (names[0] && names[0][0] == ':')
        return refuse(c, WRONG_VALUE, "The parameter Namespace must not begin with a colon.");
    if (cJSON_GetArraySize(list) > (filter ? FILTERS_MAX : 30))
        return refuse(c, WRONG_VALUE, "The parameter Dimensions has at most %d members.",
                      filter ? FILTERS_MAX : 30);
    cJSON_ArrayForEach(d, list)
    {
        const char *name = str(d, "Name"), *value = str(d, "Value");

        if (name[0] == '\0' || strlen(name) > NAME_MAX ||
            (value && (value[0] == '\0' || strlen(value) > VALUE_MAX)))
            return refuse(c, WRONG_VALUE,
                          "A dimension's name has 1 to %d characters, its value 1 "
                          "to %d.",
                          NAME_MAX, VALUE_MAX);
        for (other = d->next; other; other = other->next)
            if (strcmp(name, str(other, "Name")) == 0)
                return refuse(c, WRONG_VALUE, "The dimension %.100s is given twice.", name);
    }
    return 0;
}

static const char *dimension_of(const ea_lc_series *s, const char *name)
{
    if (strcmp(name, "ClusterName") == 0)
        return s->cluster;
    return strcmp(name, "ServiceName") == 0 ? s->service : NULL;
}

/* All of the question's dimensions are the series' (exact: and no others). */
static bool has_dimensions(const ea_lc_series *s, const cJSON *list, bool exact)
{
    const cJSON *d;
    int own = s->service ? 2 : 1;

    if (exact && cJSON_GetArraySize(list) != own)
        return false;
    cJSON_ArrayForEach(d, list)
    {
        const char *mine = dimension_of(s, str(d, "Name")), *value = str(d, "Value");

        if (!mine || (value && strcmp(mine, value) != 0))
            return false;
    }
    return true;
}

static bool is_about(const ea_lc_series *s, const cJSON *metric, bool exact)
{
    const char *namespace = str(metric, "Namespace"), *name = str(metric, "MetricName");

    return (!namespace || strcmp(namespace, EA_LC_METRIC_NAMESPACE) == 0) &&
           (!name || strcmp(name, ea_lc_metric_name(s->metric)) == 0) &&
           has_dimensions(s, ea_json_get(metric, "Dimensions"), exact);
}

/* The one series with exactly these names; NULL: none, which is no error. */
static const ea_lc_series *series_of(const ea_lc_cw_call *c, const cJSON *metric, const char *unit)
{
    if (unit && strcmp(unit, "Percent") != 0)
        return NULL;
    for (size_t i = 0; i < ea_lc_metrics_count(c->metrics); i++) {
        const ea_lc_series *s = ea_lc_metrics_at(c->metrics, i);

        if (is_about(s, metric, true))
            return s;
    }
    return NULL;
}

/* ---- ListMetrics ------------------------------------------------------------------------------ */

static void add_dimension(cJSON *list, const char *name, const char *value)
{
    cJSON *d = cJSON_CreateObject();

    cJSON_AddStringToObject(d, "Name", name);
    cJSON_AddStringToObject(d, "Value", value);
    (void)cJSON_AddItemToArray(list, d);
}

static void add_metric(cJSON *list, const ea_lc_series *s)
{
    cJSON *m = cJSON_CreateObject(), *dimensions;

    cJSON_AddStringToObject(m, "Namespace", EA_LC_METRIC_NAMESPACE);
    cJSON_AddStringToObject(m, "MetricName", ea_lc_metric_name(s->metric));
    dimensions = cJSON_AddArrayToObject(m, "Dimensions");
    add_dimension(dimensions, "ClusterName", s->cluster);
    if (s->service)
        add_dimension(dimensions, "ServiceName", s->service);
    (void)cJSON_AddItemToArray(list, m);
}

static int list_metrics(ea_lc_cw_call *c)
{
    const char *token = str(c->in, "NextToken");
    bool recent = str(c->in, "RecentlyActive") != NULL;
    int64_t skip = 0, seen = 0, left = EA_LC_CW_LIST_PAGE;
    cJSON *list;
    ea_err err;

    if (check_names(c, c->in, true))
        return -1;
    if (token && ea_str_to_i64(ea_str_of(token), 1, INT32_MAX, &skip, &err))
        return refuse(c, WRONG_VALUE, "The parameter NextToken is none that was given out.");
    c->out = cJSON_CreateObject();
    list = cJSON_AddArrayToObject(c->out, "Metrics");
    for (size_t i = 0; i < ea_lc_metrics_count(c->metrics); i++) {
        const ea_lc_series *s = ea_lc_metrics_at(c->metrics, i);

        if (!is_about(s, c->in, false) ||
            (recent && s->last_s < c->now_ms / 1000 - EA_LC_CW_RECENT_S) || seen++ < skip)
            continue;
        if (left-- == 0) {
            char next[24];

            (void)snprintf(next, sizeof(next), "%lld", (long long)(skip + EA_LC_CW_LIST_PAGE));
            cJSON_AddStringToObject(c->out, "NextToken", next);
            break;
        }
        add_metric(list, s);
    }
    return 0;
}

/* ---- times and statistics --------------------------------------------------------------------- */

struct span {
    int64_t from_s, to_s, period_s;
};

static int check_period(ea_lc_cw_call *c, const char *error, int64_t period_s)
{
    static const int64_t fine[] = { 1, 5, 10, 20, 30 };

    for (size_t i = 0; i < EA_COUNT(fine); i++)
        if (period_s == fine[i])
            return 0;
    if (period_s >= 60 && period_s % 60 == 0)
        return 0;
    return refuse(c, error, "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
}

static int read_times(ea_lc_cw_call *c, const char *error, double *from, double *to)
{
    *from = ea_json_get(c->in, "StartTime")->valuedouble;
    *to = ea_json_get(c->in, "EndTime")->valuedouble;
    if (!(*from >= 0.0 && *from <= SECONDS_MAX && *to >= 0.0 && *to <= SECONDS_MAX))
        return refuse(c, error, "The parameters StartTime and EndTime are out of range.");
    if (*from >= *to)
        return refuse(c, error, "The parameter StartTime must be less than the parameter EndTime.");
    return 0;
}

static struct span span_of(double from, double to, int64_t period_s)
{
    struct span s = { (int64_t)floor(from), (int64_t)ceil(to), period_s };

    s.from_s -= s.from_s % (period_s < 60 ? period_s : 60);
    return s;
}

static double statistic(const ea_lc_point *p, const char *name)
{
    if (strcmp(name, "SampleCount") == 0)
        return (double)p->count;
    if (strcmp(name, "Average") == 0)
        return p->sum / (double)p->count;
    if (strcmp(name, "Sum") == 0)
        return p->sum;
    return strcmp(name, "Minimum") == 0 ? p->min : p->max;
}

/* Steps over the periods that have points, forwards or backwards; *k is the period's number, to begin
 * with one that is not before (not after, backwards) the last one seen. */
static bool step(const ea_lc_series *s, const struct span *at, bool back, int64_t *k,
                 ea_lc_point *out)
{
    int64_t last = (s->last_s - at->from_s) / at->period_s;
    int64_t first = (ea_lc_series_first_s(s) - at->from_s) / at->period_s;

    if (last > (at->to_s - 1 - at->from_s) / at->period_s)
        last = (at->to_s - 1 - at->from_s) / at->period_s;
    if (first < 0)
        first = 0;
    if (s->last_s < at->from_s)
        return false;
    if (back ? *k > last : *k < first)
        *k = back ? last : first;
    for (; back ? *k >= first : *k <= last; *k += back ? -1 : 1) {
        int64_t begin = at->from_s + *k * at->period_s, end = begin + at->period_s;

        if (ea_lc_series_sum(s, begin, end < at->to_s ? end : at->to_s, out)) {
            *k += back ? -1 : 1;
            return true;
        }
    }
    return false;
}

/* ---- GetMetricStatistics ---------------------------------------------------------------------- */

static void add_datapoint(cJSON *list, const ea_lc_point *p, const cJSON *names)
{
    cJSON *d = cJSON_CreateObject();
    const cJSON *name;

    cJSON_AddNumberToObject(d, "Timestamp", (double)p->at_s);
    cJSON_ArrayForEach(name, names)
    {
        if (!cJSON_GetObjectItemCaseSensitive(d, name->valuestring))
            cJSON_AddNumberToObject(d, name->valuestring, statistic(p, name->valuestring));
    }
    cJSON_AddStringToObject(d, "Unit", "Percent");
    (void)cJSON_AddItemToArray(list, d);
}

static int get_metric_statistics(ea_lc_cw_call *c)
{
    const cJSON *names = ea_json_get(c->in, "Statistics");
    int64_t period_s = (int64_t)ea_json_get(c->in, "Period")->valuedouble, k = -1;
    const ea_lc_series *s;
    double from, to;
    struct span at;
    ea_lc_point p;
    cJSON *list;

    if (check_names(c, c->in, false) || check_period(c, WRONG_VALUE, period_s) ||
        read_times(c, WRONG_VALUE, &from, &to))
        return -1;
    if (cJSON_GetArraySize(names) < 1 || cJSON_GetArraySize(names) > 5)
        return refuse(c, WRONG_PAIR, "The parameter Statistics names 1 to 5 statistics.");
    at = span_of(from, to, period_s);
    if ((at.to_s - at.from_s + period_s - 1) / period_s > EA_LC_CW_STATISTICS)
        return refuse(c, WRONG_PAIR,
                      "You have requested up to %lld datapoints, which exceeds the limit of %d. "
                      "Make Period longer or the time range shorter.",
                      (long long)((at.to_s - at.from_s + period_s - 1) / period_s),
                      EA_LC_CW_STATISTICS);
    c->out = cJSON_CreateObject();
    cJSON_AddStringToObject(c->out, "Label", str(c->in, "MetricName"));
    list = cJSON_AddArrayToObject(c->out, "Datapoints");
    s = series_of(c, c->in, str(c->in, "Unit"));
    while (s && step(s, &at, false, &k, &p))
        add_datapoint(list, &p, names);
    return 0;
}

/* ---- GetMetricData ---------------------------------------------------------------------------- */

static bool id_is_sound(const char *id)
{
    size_t n = strlen(id);

    return n >= 1 && n <= NAME_MAX && id[0] >= 'a' && id[0] <= 'z' &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == n;
}

static bool returns_data(const cJSON *query)
{
    return !cJSON_IsFalse(ea_json_get(query, "ReturnData"));
}

static int check_query(ea_lc_cw_call *c, const cJSON *q)
{
    const char *id = str(q, "Id");
    const cJSON *what = ea_json_get(q, "MetricStat"), *metric = ea_json_get(what, "Metric");
    const cJSON *other;
    const char *stat = str(what, "Stat");
    bool known = false;

    if (!id_is_sound(id))
        return refuse(c, VALIDATION,
                      "The value %.100s for parameter Id begins with a lower case letter and holds "
                      "letters, digits and underscores.",
                      id);
    for (other = q->next; other; other = other->next)
        if (strcmp(id, str(other, "Id")) == 0)
            return refuse(c, VALIDATION, "The values for parameter id must be unique: %.100s.", id);
    if (!what)
        return refuse(c, VALIDATION, "The query %.100s needs the parameter MetricStat.", id);
    if (!str(metric, "Namespace") || !str(metric, "MetricName"))
        return refuse(c, VALIDATION, "The metric of %.100s needs Namespace and MetricName.", id);
    for (size_t i = 0; i < EA_COUNT(statistic_names); i++)
        known = known || strcmp(stat, statistic_names[i]) == 0;
    if (!known)
        return refuse(c, VALIDATION,
                      "The statistic %.100s of %.100s is not kept by the local control plane: "
                      "SampleCount, Average, Sum, Minimum, Maximum are.",
                      stat, id);
    if (check_names(c, metric, false)) {
        c->error = VALIDATION;
        return -1;
    }
    return check_period(c, VALIDATION, (int64_t)ea_json_get(what, "Period")->valuedouble);
}

struct page { /* of an answer */
    int64_t left;
    bool back; /* newest first */
    int query; /* where it began, and the end of it: number of the query and of its period */
    int64_t k;
    bool more;
};

/* "<query>.<period>" of the first point that was not told. */
static int read_token(ea_lc_cw_call *c, int queries, struct page *p)
{
    const char *token = str(c->in, "NextToken");
    ea_str rest, head;
    int64_t query;
    ea_err err;

    if (!token)
        return 0;
    rest = ea_str_cut(ea_str_of(token), '.', &head);
    if (ea_str_to_i64(head, 0, queries - 1, &query, &err) ||
        ea_str_to_i64(rest, 0, INT64_MAX / 2, &p->k, &err))
        return refuse(c, WRONG_TOKEN, "The token is none that was given out.");
    p->query = (int)query;
    return 0;
}

static void add_result(ea_lc_cw_call *c, cJSON *list, const cJSON *q, double from, double to,
                       int64_t k, struct page *p)
{
    const cJSON *what = ea_json_get(q, "MetricStat"), *metric = ea_json_get(what, "Metric");
    const char *label = str(q, "Label"), *stat = str(what, "Stat");
    const ea_lc_series *s = series_of(c, metric, str(what, "Unit"));
    struct span at = span_of(from, to, (int64_t)ea_json_get(what, "Period")->valuedouble);
    cJSON *result = cJSON_CreateObject(), *times, *values;
    ea_lc_point point;

    cJSON_AddStringToObject(result, "Id", str(q, "Id"));
    cJSON_AddStringToObject(result, "Label", label ? label : str(metric, "MetricName"));
    times = cJSON_AddArrayToObject(result, "Timestamps");
    values = cJSON_AddArrayToObject(result, "Values");
    while (s && step(s, &at, p->back, &k, &point)) {
        if (p->left == 0) {
            p->more = true;
            p->k = k + (p->back ? 1 : -1);
            break;
        }
        p->left--;
        (void)cJSON_AddItemToArray(times, cJSON_CreateNumber((double)point.at_s));
        (void)cJSON_AddItemToArray(values, cJSON_CreateNumber(statistic(&point, stat)));
    }
    cJSON_AddStringToObject(result, "StatusCode", p->more ? "PartialData" : "Complete");
    (void)cJSON_AddItemToArray(list, result);
}

static int check_data(ea_lc_cw_call *c, const cJSON *queries, struct page *p)
{
    const cJSON *max = ea_json_get(c->in, "MaxDatapoints"), *q;
    int n = cJSON_GetArraySize(queries);
    bool any = false;

    p->left = max ? (int64_t)max->valuedouble : EA_LC_CW_DATA_POINTS;
    if (p->left < 1 || p->left > EA_LC_CW_DATA_POINTS)
        return refuse(c, VALIDATION, "The parameter MaxDatapoints is between 1 and %d.",
                      EA_LC_CW_DATA_POINTS);
    if (n < 1 || n > EA_LC_CW_QUERIES)
        return refuse(c, VALIDATION, "The parameter MetricDataQueries has 1 to %d members.",
                      EA_LC_CW_QUERIES);
    cJSON_ArrayForEach(q, queries)
    {
        if (check_query(c, q))
            return -1;
        any = any || returns_data(q);
    }
    if (!any)
        return refuse(c, VALIDATION, "At least one query has to return data.");
    return read_token(c, n, p);
}

static int get_metric_data(ea_lc_cw_call *c)
{
    const cJSON *queries = ea_json_get(c->in, "MetricDataQueries"), *q;
    const char *scan = str(c->in, "ScanBy");
    struct page p = { .back = !scan || strcmp(scan, "TimestampDescending") == 0, .k = -1 };
    double from, to;
    cJSON *list;
    int number = 0;

    if (read_times(c, VALIDATION, &from, &to) || check_data(c, queries, &p))
        return -1;
    c->out = cJSON_CreateObject();
    list = cJSON_AddArrayToObject(c->out, "MetricDataResults");
    cJSON_ArrayForEach(q, queries)
    {
        int64_t begin = number == p.query && p.k >= 0 ? p.k : p.back ? INT64_MAX / 2 : 0;
        int at = number++;

        if (at < p.query || !returns_data(q))
            continue;
        add_result(c, list, q, from, to, begin, &p);
        if (p.more) {
            char next[48];

            (void)snprintf(next, sizeof(next), "%d.%lld", at, (long long)p.k);
            cJSON_AddStringToObject(c->out, "NextToken", next);
            break;
        }
    }
    return 0;
}

ea_lc_cw_fn *ea_lc_cw_find(const char *operation)
{
    static const struct {
        const char *name;
        ea_lc_cw_fn *fn;
    } calls[] = {
        { "ListMetrics", list_metrics },
        { "GetMetricStatistics", get_metric_statistics },
        { "GetMetricData", get_metric_data },
    };

    for (size_t i = 0; i < EA_COUNT(calls); i++)
        if (strcmp(calls[i].name, operation) == 0)
            return calls[i].fn;
    return NULL;
}
