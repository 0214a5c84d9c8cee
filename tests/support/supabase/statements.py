"""Requests to SQL, with the statements that PostgREST itself sends (`QueryBuilder.hs`, `SqlFragment.hs`).

The body goes to Postgres as it came, through `json_to_recordset` with the table's own column types, so that
Postgres says what is wrong with a value.
"""

import json

from .errors import ApiError, missing_column
from .query import (
    IS_VALUES,
    QUANTIFIABLE_OPERATORS,
    SIMPLE_OPERATORS,
    TEXT_SEARCH,
    Filter,
    Logic,
    parse_select,
)

COUNT_INSERTED = """set_config('pgrst.inserted',
  (coalesce(nullif(current_setting('pgrst.inserted', true), '')::int, 0) {} 1)::text, true) <> '{}'"""


def identifier(name):
    return '"' + name.replace("\0", "").replace('"', '""') + '"'


def literal(text):
    escaped = "'" + text.replace("\0", "").replace("'", "''") + "'"
    return "E" + escaped.replace("\\", "\\\\") if "\\" in escaped else escaped


class Statement:
    """SQL text and the values of its `$n`."""

    def __init__(self):
        self.values = []

    def value(self, value):
        self.values.append(value)
        return f"${len(self.values)}"


def column_reference(owner, name):
    return f"{owner}.*" if name == "*" else f"{owner}.{identifier(name)}"


def field_expression(statement, owner, field, table=None):
    if not field.path:
        return column_reference(owner, field.name)
    reference = column_reference(owner, field.name)
    column = table.columns.get(field.name) if table else None
    if column is None or column.type not in ("json", "jsonb"):
        reference = f"to_jsonb({reference})"
    for arrow, key in field.path:
        is_index = key.lstrip("-").isdigit()
        reference += arrow + (statement.value(key) + "::int" if is_index else statement.value(key) + "::text")
    return reference


def condition(statement, owner, term, table=None):
    if isinstance(term, Logic):
        inner = f" {term.operator} ".join(condition(statement, owner, part, table) for part in term.terms)
        return ("NOT " if term.negated else "") + f"({inner})"
    return filter_expression(statement, owner, term, table)


def filter_expression(statement, owner, term: Filter, table=None):
    left = ("NOT " if term.negated else "") + field_expression(statement, owner, term.field, table)
    operator = term.operator
    if operator == "in":
        if term.value == [""]:
            return f"{left} = ANY('{{}}')"
        return f"{left} = ANY({statement.value(array_literal(term.value))})"
    if operator == "is":
        return f"{left} IS {IS_VALUES[term.value]}"
    if operator == "isdistinct":
        return f"{left} IS DISTINCT FROM {statement.value(term.value)}"
    if operator in TEXT_SEARCH:
        language = f"{statement.value(term.argument)}, " if term.argument else ""
        return f"{left} @@ {TEXT_SEARCH[operator]}({language}{statement.value(term.value)})"
    if operator in SIMPLE_OPERATORS:
        return f"{left} {SIMPLE_OPERATORS[operator]} {statement.value(term.value)}"
    value = term.value.replace("*", "%") if operator in ("like", "ilike") else term.value
    right = statement.value(value)
    if term.argument:
        right = f"{term.argument.upper()}({right})"
    return f"{left} {QUANTIFIABLE_OPERATORS[operator]} {right}"


def array_literal(values):
    return (
        "{"
        + ",".join('"' + v.replace("\0", "").replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values)
        + "}"
    )


def where_clause(statement, owner, conditions, table=None):
    if not conditions:
        return ""
    return " WHERE " + " AND ".join(condition(statement, owner, term, table) for term in conditions)


def select_list(statement, owner, selected, table=None):
    parts = []
    for item in selected:
        expression = field_expression(statement, owner, item.field, table)
        if item.cast:
            expression = f"CAST({expression} AS {item.cast})"
        if item.alias:
            expression += f" AS {identifier(item.alias)}"
        elif item.cast and item.field.name != "*":
            expression += f" AS {identifier(item.field.name)}"
        parts.append(expression)
    return ", ".join(parts)


def order_clause(statement, owner, terms, table=None):
    if not terms:
        return ""
    return " ORDER BY " + ", ".join(
        " ".join(filter(None, [field_expression(statement, owner, t.field, table), t.direction, t.nulls]))
        for t in terms
    )


def range_clause(limit, offset):
    return (f" LIMIT {limit}" if limit is not None else "") + (f" OFFSET {offset}" if offset else "")


def body_as_array(rows):
    return f"SELECT coalesce(json_agg(_t), '[]')::text, count(*) FROM ({rows}) _t"


# What an insert or update takes from a request's body.


def payload_columns(raw, content_is_rpc=False):
    """The keys of the body's rows, sorted. Raises PGRST102 as PostgREST does."""
    if content_is_rpc and not raw:
        return [], "{}"
    try:
        text = raw.decode()
        body = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ApiError(400, "PGRST102", "Empty or invalid json") from None
    if isinstance(body, dict):
        return sorted(body), text
    if not isinstance(body, list) or not body:
        return [], "[]"
    if not all(isinstance(row, dict) and row.keys() == body[0].keys() for row in body) or not isinstance(
        body[0], dict
    ):
        raise ApiError(400, "PGRST102", "All object keys must match")
    return sorted(body[0]), text


def _refuse_constant(name):
    raise ValueError(name)


def known_columns(table, names):
    for name in names:
        if name not in table.columns:
            raise missing_column(name, table.name)
    return [table.columns[name] for name in names]


def from_body(statement, text, columns, with_select, with_defaults):
    """The FROM clause that turns the body into rows `pgrst_body`."""
    is_object = text.lstrip(" \t\r\n").startswith("{")
    names = ", ".join(identifier(c.name) for c in columns)
    typed = ", ".join(f"{identifier(c.name)} {c.type}" for c in columns)
    placeholder = statement.value(text) + ("::jsonb" if with_defaults else "::json")
    clause = (
        "SELECT " + ", ".join(f"pgrst_body.{identifier(c.name)}" for c in columns) + " "
        if with_select
        else ""
    )
    clause += f"FROM (SELECT {placeholder} AS json_data) pgrst_payload, "
    source, family = "pgrst_payload.json_data", "json"
    if with_defaults:
        pairs = ", ".join(f"{literal(c.name)}, {c.default}" for c in columns if c.default)
        defaults = f"jsonb_build_object({pairs})"
        if is_object:
            clause += f"LATERAL (SELECT {defaults} || pgrst_payload.json_data AS val) pgrst_json_defs, "
        else:
            clause += (
                f"LATERAL (SELECT jsonb_agg({defaults} || elem) AS val "
                "FROM jsonb_array_elements(pgrst_payload.json_data) elem) pgrst_json_defs, "
            )
        source, family = "pgrst_json_defs.val", "jsonb"
    if columns:
        reader = f"{family}_to_record" if is_object else f"{family}_to_recordset"
        rows = f"{reader}({source}) AS _({typed})"
    else:
        rows = "(values(1)) _" if is_object else f"{family}_array_elements({source}) _"
    return clause + f"LATERAL (SELECT {names} FROM {rows}) pgrst_body"


def returning(schema, select, table):
    """What a change returns: the columns that are selected, so that no privilege on others is needed."""
    target = f"{identifier(schema)}.{identifier(table.name)}"
    names = dict.fromkeys(item.field.name for item in parse_select(select, table.name))
    return ", ".join(column_reference(target, name) for name in (["*"] if "*" in names else names))


def insert_statement(schema, table, columns, text, resolution, conflict, with_defaults, returned):
    """`INSERT … ON CONFLICT …`; `pgrst.inserted` counts the rows that were really new."""
    statement = Statement()
    target = f"{identifier(schema)}.{identifier(table.name)}"
    merges = resolution == "merge-duplicates"
    sql = f"INSERT INTO {target}"
    sql += f"({', '.join(identifier(c.name) for c in columns)}) " if columns else " "
    sql += from_body(statement, text, columns, True, with_defaults)
    if merges:
        sql += " WHERE " + COUNT_INSERTED.format("+", "0")
    if resolution and conflict:
        sql += f" ON CONFLICT({', '.join(identifier(c) for c in conflict)}) "
        if merges and columns:
            sql += "DO UPDATE SET " + ", ".join(
                f"{identifier(c.name)} = EXCLUDED.{identifier(c.name)}" for c in columns
            )
            sql += " WHERE " + COUNT_INSERTED.format("-", "-1")
        else:
            sql += "DO NOTHING"
    return statement, sql + f" RETURNING {returned}"


def update_statement(schema, table, columns, text, conditions, with_defaults, returned):
    statement = Statement()
    target = f"{identifier(schema)}.{identifier(table.name)}"
    if not columns:
        return statement, f"SELECT * FROM {target} WHERE false"
    assignments = ", ".join(f"{identifier(c.name)} = pgrst_body.{identifier(c.name)}" for c in columns)
    sql = f"UPDATE {target} SET {assignments} " + from_body(statement, text, columns, False, with_defaults)
    sql += where_clause(statement, target, conditions, table)
    return statement, sql + f" RETURNING {returned}"


def delete_statement(schema, table, conditions, returned):
    statement = Statement()
    target = f"{identifier(schema)}.{identifier(table.name)}"
    sql = f"DELETE FROM {target}" + where_clause(statement, target, conditions, table)
    return statement, sql + f" RETURNING {returned}"


def wrap_mutation(statement, sql, select, table, with_body):
    """Runs the change in a CTE and answers with body, number of rows, and rows inserted."""
    columns, body = "1", "''"
    if with_body:
        columns = select_list(statement, "pgrst_source", parse_select(select, table.name), table)
        body = "coalesce(json_agg(_t), '[]')::text"
    return (
        f"WITH pgrst_source AS ({sql}) SELECT {body}, count(*), "
        "coalesce(nullif(current_setting('pgrst.inserted', true), ''), '0')::int "
        f"FROM (SELECT {columns} FROM pgrst_source) _t"
    )


def read_statements(schema, table, query, limit, offset):
    """The page, and the statement that counts all rows."""
    target = f"{identifier(schema)}.{identifier(table.name)}"
    page, count = Statement(), Statement()
    columns = select_list(page, target, parse_select(query.select, table.name), table)
    rows = f"SELECT {columns} FROM {target}" + where_clause(page, target, query.conditions, table)
    rows += order_clause(page, target, query.order, table) + range_clause(limit, offset)
    total = f"SELECT count(*) FROM {target}" + where_clause(count, target, query.conditions, table)
    return (page, body_as_array(rows)), (count, total)


def call_statement(schema, function, arguments_text, query, limit, offset, single_json=False):
    """Calls a function with the body's keys as named arguments."""
    statement = Statement()
    target = f"{identifier(schema)}.{identifier(function.name)}"
    if single_json:
        call = f"{target}({statement.value(arguments_text)}::{function.parameters[0][1]})"
        source = ""
    else:
        given = json.loads(arguments_text)
        used = [(name, kind) for name, kind in function.parameters if name in given]
        typed = ", ".join(f"{identifier(n)} {t}" for n, t in used)
        passed = ", ".join(f"{identifier(n)} := pgrst_body.{identifier(n)}" for n, _ in used)
        call = f"{target}({passed})"
        source = (
            f"(SELECT * FROM json_to_record({statement.value(arguments_text)}::json) AS _({typed}) LIMIT 1) "
            "pgrst_body, LATERAL "
            if used
            else ""
        )
    if function.returns_rows:
        rows = f"SELECT pgrst_call.* FROM {source}{call} pgrst_call"
        columns = select_list(statement, "pgrst_rows", parse_select(query.select, function.name))
        rows = f"SELECT {columns} FROM ({rows}) pgrst_rows" + where_clause(
            statement, "pgrst_rows", query.conditions
        )
        rows += order_clause(statement, "pgrst_rows", query.order) + range_clause(limit, offset)
        body = (
            "coalesce(json_agg(_t), '[]')" if function.returns_set else "coalesce((json_agg(_t)->0), 'null')"
        )
    else:
        rows = f"SELECT pgrst_call.pgrst_scalar FROM {source}(SELECT {call} pgrst_scalar) pgrst_call"
        rows += range_clause(limit, offset) if function.returns_set else ""
        body = (
            "coalesce(json_agg(_t.pgrst_scalar), '[]')"
            if function.returns_set
            else "coalesce(json_agg(_t.pgrst_scalar)->0, 'null')"
        )
    return statement, f"SELECT ({body})::text, count(*) FROM ({rows}) _t"
