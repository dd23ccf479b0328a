/* place_expr.c - reads and answers an expression in one go. See place_expr.h. */
#include "place_expr.h"

#include "../base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX  256
#define DEPTH_MAX 32

struct parser {
    const char *p;
    const ea_lc_subject *s;
    unsigned depth;
    ea_err *err;
    bool failed;
};

/* ---- patterns --------------------------------------------------------------------------------- */

/* One element at `p` (a character, a dot, a class): its length, and whether it takes c. */
static size_t element(const char *p, char c, bool *takes)
{
    const char *q = p;
    bool negate, in = false;

    if (*p == '.') {
        *takes = c != '\0';
        return 1;
    }
    if (*p == '\\' && p[1]) {
        *takes = p[1] == c;
        return 2;
    }
    if (*p != '[' || !strchr(p + 1, ']')) {
        *takes = *p == c;
        return 1;
    }
    negate = *++q == '^';
    if (negate)
        q++;
    do {
        if (q[1] == '-' && q[2] && q[2] != ']') {
            in = in || (c >= q[0] && c <= q[2]);
            q += 3;
        } else {
            in = in || *q == c;
            q++;
        }
    } while (*q && *q != ']');
    *takes = c != '\0' && in != negate;
    return (size_t)(q - p) + (*q == ']' ? 1 : 0);
}

static bool match(const char *p, const char *t, unsigned depth)
{
    while (*p) {
        bool takes;
        size_t n = element(p, *t, &takes);
        char times = p[n];

        if (depth > 200)
            return false;
        if (times == '*' || times == '+' || times == '?') {
            const char *after = p + n + 1;
            size_t least = times == '+' ? 1 : 0, most = times == '?' ? 1 : SIZE_MAX, got = 0;

            for (;;) {
                if (got >= least && match(after, t + got, depth + 1))
                    return true;
                (void)element(p, t[got], &takes);
                if (!takes || got == most)
                    return false;
                got++;
            }
        }
        if (!takes)
            return false;
        p += n;
        t++;
    }
    return *t == '\0';
}

bool ea_lc_pattern_matches(const char *pattern, const char *text)
{
    return match(pattern, text, 0);
}

/* ---- reading ---------------------------------------------------------------------------------- */

static bool bad(struct parser *x, const char *what)
{
    if (!x->failed)
        (void)ea_fail(x->err, EA_INVALID, "%s at '%.40s'", what, x->p);
    x->failed = true;
    return false;
}

static void blanks(struct parser *x)
{
    while (*x->p == ' ' || *x->p == '\t' || *x->p == '\n' || *x->p == '\r')
        x->p++;
}

static bool is_word_char(char c)
{
    return c && !strchr(" \t\r\n()[],=!<>~&|", c);
}

/* Takes the sign or word if it stands here. */
static bool take(struct parser *x, const char *sign)
{
    size_t n = strlen(sign);

    blanks(x);
    if (strncmp(x->p, sign, n) != 0 || (is_word_char(sign[0]) && is_word_char(x->p[n])))
        return false;
    x->p += n;
    return true;
}

static bool word(struct parser *x, char out[WORD_MAX])
{
    size_t n = 0;
    char quote;

    blanks(x);
    quote = *x->p == '"' || *x->p == '\'' ? *x->p : '\0';
    if (quote)
        x->p++;
    while (*x->p && (quote ? *x->p != quote : is_word_char(*x->p))) {
        if (n + 1 == WORD_MAX)
            return bad(x, "a word is too long");
        out[n++] = *x->p++;
    }
    out[n] = '\0';
    if (quote && *x->p++ != quote) {
        x->p--;
        return bad(x, "a quote is not closed");
    }
    return n || quote || bad(x, "a word is missing");
}

/* A pattern may hold signs that end a word: it reaches to the next blank outside of a class. */
static bool pattern(struct parser *x, char out[WORD_MAX])
{
    size_t n = 0;
    bool in_class = false;

    blanks(x);
    while (*x->p && (in_class || (*x->p != ' ' && *x->p != ')'))) {
        if (n + 1 == WORD_MAX)
            return bad(x, "a pattern is too long");
        in_class = *x->p == '[' || (in_class && *x->p != ']');
        out[n++] = *x->p++;
    }
    out[n] = '\0';
    return n || bad(x, "a pattern is missing");
}

/* The subject's value: NULL when it has none. `number`: text for counts. */
static const char *value_of(struct parser *x, const char *subject, char number[32], bool *known)
{
    const struct ea_lc_instance *i = x->s->instance;

    *known = true;
    if (strncmp(subject, "attribute:", 10) == 0) {
        const struct ea_lc_attribute *a = ea_lc_attribute_find(&i->attributes, subject + 10);

        if (!a)
            return NULL;
        return a->value ? a->value : "";
    }
    if (strcmp(subject, "agentConnected") == 0)
        return i->connected ? "true" : "false";
    if (strcmp(subject, "agentVersion") == 0)
        return i->agent_version;
    if (strcmp(subject, "ec2InstanceId") == 0)
        return i->ec2_id;
    if (strcmp(subject, "runningTasksCount") == 0) {
        (void)snprintf(number, 32, "%lld", (long long)x->s->running_tasks);
        return number;
    }
    *known = false;
    return NULL;
}

static int compare(const char *a, const char *b)
{
    char *enda, *endb;
    double x = strtod(a, &enda), y = strtod(b, &endb);

    if (*a && *b && !*enda && !*endb)
        return x < y ? -1 : x > y;
    return strcmp(a, b);
}

static bool in_list(struct parser *x, const char *value, bool *found)
{
    char item[WORD_MAX];

    *found = false;
    if (!take(x, "["))
        return bad(x, "a list is missing");
    do {
        if (!word(x, item))
            return false;
        *found = *found || (value && strcmp(item, value) == 0);
    } while (take(x, ","));
    return take(x, "]") || bad(x, "a list is not closed");
}

/* task:group == name: true when a task of that group runs there. */
static bool group_condition(struct parser *x, bool *out)
{
    bool equal = take(x, "==") || take(x, "equals");
    char wanted[WORD_MAX];

    if (!equal && !take(x, "!=") && !take(x, "not_equals"))
        return bad(x, "an operator is missing");
    if (!word(x, wanted))
        return false;
    *out = !equal;
    for (size_t i = 0; x->s->groups && i < x->s->groups->n; i++)
        if (strcmp(x->s->groups->v[i], wanted) == 0)
            *out = equal;
    return true;
}

static bool condition(struct parser *x, bool *out)
{
    char subject[WORD_MAX], arg[WORD_MAX], number[32];
    const char *value;
    bool known, negate;

    if (!word(x, subject))
        return false;
    if (strcmp(subject, "task:group") == 0)
        return group_condition(x, out);
    value = value_of(x, subject, number, &known);
    if (!known)
        return bad(x, "an unknown subject stands before");
    if (take(x, "exists"))
        return *out = value != NULL, true;
    if (take(x, "!exists") || take(x, "not_exists"))
        return *out = value == NULL, true;
    negate = take(x, "!in") || take(x, "not_in");
    if (negate || take(x, "in")) {
        if (!in_list(x, value, out))
            return false;
        *out = *out != negate;
        return true;
    }
    negate = take(x, "!~") || take(x, "not_matches");
    if (negate || take(x, "=~") || take(x, "matches")) {
        if (!pattern(x, arg))
            return false;
        *out = (value && ea_lc_pattern_matches(arg, value)) != negate;
        return true;
    }
    {
        static const struct {
            const char *sign, *name;
            int below, same, above; /* results */
        } ops[] = {
            { "==", "equals", 0, 1, 0 },
            { "!=", "not_equals", 1, 0, 1 },
            { ">=", "greater_than_equal", 0, 1, 1 },
            { "<=", "less_than_equal", 1, 1, 0 },
            { ">", "greater_than", 0, 0, 1 },
            { "<", "less_than", 1, 0, 0 },
        };

        for (size_t i = 0; i < EA_COUNT(ops); i++) {
            int c;

            if (!take(x, ops[i].sign) && !take(x, ops[i].name))
                continue;
            if (!word(x, arg))
                return false;
            c = value ? compare(value, arg) : 1;
            /* what has no value differs from all and is in no order */
            *out = value ? (c < 0 ? ops[i].below
                            : c   ? ops[i].above
                                  : ops[i].same) != 0
                         : strcmp(ops[i].sign, "!=") == 0;
            return true;
        }
    }
    return bad(x, "an operator is missing");
}

static bool either(struct parser *x, bool *out);

static bool unit(struct parser *x, bool *out)
{
    bool ok;

    if (++x->depth > DEPTH_MAX)
        return bad(x, "nested too deeply");
    if (take(x, "not") || (take(x, "!"))) {
        ok = unit(x, out);
        *out = !*out;
    } else if (take(x, "(")) {
        ok = either(x, out) && (take(x, ")") || bad(x, "a bracket is not closed"));
    } else {
        ok = condition(x, out);
    }
    x->depth--;
    return ok;
}

static bool both(struct parser *x, bool *out)
{
    bool more;

    if (!unit(x, out))
        return false;
    while (take(x, "and") || take(x, "&&")) {
        if (!unit(x, &more))
            return false;
        *out = *out && more;
    }
    return true;
}

static bool either(struct parser *x, bool *out)
{
    bool more;

    if (!both(x, out))
        return false;
    while (take(x, "or") || take(x, "||")) {
        if (!both(x, &more))
            return false;
        *out = *out || more;
    }
    return true;
}

ea_code ea_lc_expr_matches(const char *expression, const ea_lc_subject *s, bool *out, ea_err *err)
{
    struct parser x = { .p = expression, .s = s, .err = err };
    bool result = false;

    if (!either(&x, &result))
        return err->code;
    blanks(&x);
    if (*x.p) {
        (void)bad(&x, "something is left");
        return err->code;
    }
    *out = result;
    return EA_OK;
}
