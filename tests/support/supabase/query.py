"""PostgREST's query string: select, filters, logic trees, order, columns (after its `QueryParams.hs`)."""

import dataclasses
import re

from .errors import ApiError, bad_query

SIMPLE_OPERATORS = {
    "neq": "<>",
    "cs": "@>",
    "cd": "<@",
    "ov": "&&",
    "sl": "<<",
    "sr": ">>",
    "nxr": "&<",
    "nxl": "&>",
    "adj": "-|-",
}
QUANTIFIABLE_OPERATORS = {
    "eq": "=",
    "gte": ">=",
    "gt": ">",
    "lte": "<=",
    "lt": "<",
    "like": "like",
    "ilike": "ilike",
    "match": "~",
    "imatch": "~*",
}
TEXT_SEARCH = {
    "fts": "to_tsquery",
    "plfts": "plainto_tsquery",
    "phfts": "phraseto_tsquery",
    "wfts": "websearch_to_tsquery",
}
IS_VALUES = {"null": "NULL", "not_null": "NOT NULL", "true": "TRUE", "false": "FALSE", "unknown": "UNKNOWN"}
RESERVED = {"select", "columns", "on_conflict", "apikey"}
RESERVED_LAST = {"order", "limit", "offset", "and", "or"}

IDENTIFIER = r"(?:[^\W]|[ $])+"
NAME = re.compile(rf'"((?:[^"\\]|\\.)*)"|({IDENTIFIER}(?:-(?!>){IDENTIFIER})*)')
JSON_STEP = re.compile(r'(->>|->)(?:"((?:[^"\\]|\\.)*)"|([^(\-:.,>)]+(?:-(?!>)[^(\-:.,>)]+)*|-\d+))')
OPERATION = re.compile(r"(not\.)?([a-z]+)(?:\(([^()]*)\))?\.")


@dataclasses.dataclass(frozen=True)
class Field:
    """A column, or a place inside a JSON column."""

    name: str
    path: tuple = ()  # of (arrow, key)

    @property
    def label(self):
        """The name that the answer gives it."""
        return next((key for _, key in reversed(self.path) if not re.fullmatch(r"-?\d+", key)), self.name)


@dataclasses.dataclass(frozen=True)
class Selected:
    field: Field
    alias: str | None = None
    cast: str | None = None


@dataclasses.dataclass(frozen=True)
class Filter:
    field: Field
    negated: bool
    operator: str
    argument: str | None  # a quantifier, or a text search's language
    value: object


@dataclasses.dataclass(frozen=True)
class Logic:
    negated: bool
    operator: str  # AND | OR
    terms: tuple


@dataclasses.dataclass(frozen=True)
class OrderTerm:
    field: Field
    direction: str = ""
    nulls: str = ""


class Cursor:
    """Reads a text from left to right; `fail` gives PostgREST's error at the place reached."""

    def __init__(self, text, what):
        self.text, self.what, self.at = text, what, 0

    def fail(self, details):
        raise bad_query(self.what, self.text, self.at + 1, details)

    def unexpected(self, expecting):
        found = f'"{self.text[self.at]}"' if self.at < len(self.text) else "end of input"
        self.fail(f"unexpected {found} expecting {expecting}")

    def peek(self, literal):
        return self.text.startswith(literal, self.at)

    def take(self, literal):
        if self.peek(literal):
            self.at += len(literal)
            return True
        return False

    def expect(self, literal):
        if not self.take(literal):
            self.unexpected(f'"{literal}"')

    def match(self, pattern):
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def spaces(self):
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1

    def done(self):
        return self.at >= len(self.text)


def unquote(text):
    return re.sub(r"\\(.)", r"\1", text)


def read_name(cursor):
    found = cursor.match(NAME)
    if not found:
        cursor.unexpected("field name (* or [a..z0..9_$])")
    return unquote(found[1]) if found[1] is not None else found[2].strip()


def read_field(cursor):
    name, path = read_name(cursor), []
    while step := cursor.match(JSON_STEP):
        path.append((step[1], unquote(step[2]) if step[2] is not None else step[3].strip()))
    return Field(name, tuple(path))


def parse_names(text, what):
    """`columns=` and `on_conflict=`: names separated by commas, quoted or not."""
    cursor, names = Cursor(text, what), []
    while True:
        cursor.spaces()
        names.append(read_name(cursor))
        cursor.spaces()
        if cursor.done():
            return names
        cursor.expect(",")


def parse_select(text, table):
    """A list of `Selected`; `Field("*")` for all columns. There are no relations, and aggregates are off."""
    cursor, items = Cursor(text, "select parameter"), []
    while not cursor.done():
        cursor.spaces()
        if cursor.take("*"):
            items.append(Selected(Field("*")))
        else:
            items.append(_read_selected(cursor, table))
        cursor.spaces()
        if not cursor.done():
            cursor.expect(",")
    return items or [Selected(Field("*"))]


def _read_selected(cursor, table):
    cursor.take("...")
    alias, start = None, cursor.at
    name = read_name(cursor)
    if cursor.peek(":") and not cursor.peek("::"):
        cursor.take(":")
        alias = name
    else:
        cursor.at = start
    field = read_field(cursor)
    if field.name == "count" and cursor.peek("()"):
        raise ApiError(400, "PGRST123", "Use of aggregate functions is not allowed")
    if cursor.peek("(") or cursor.peek("!"):
        if ")" not in cursor.text[cursor.at :]:
            cursor.at = len(cursor.text)
            cursor.unexpected('")"')
        raise ApiError(
            400,
            "PGRST200",
            f"Could not find a relationship between '{table}' and '{field.name}' in the schema cache",
            f"Searched for a foreign key relationship between '{table}' and '{field.name}' "
            "in the schema 'public', "
            "but no matches were found.",
        )
    cast = None
    if cursor.take("::"):
        cast = cursor.match(re.compile(IDENTIFIER))
        if not cast:
            cursor.unexpected('letter, digit or "_"')
        cast = cast[0].strip()
    if cursor.match(re.compile(r"\.(sum|avg|count|max|min)\(\)")):
        raise ApiError(400, "PGRST123", "Use of aggregate functions is not allowed")
    if field.path and alias is None:
        alias = field.label
    return Selected(field, alias, cast)


def parse_order(text):
    cursor, terms = Cursor(text, "order"), []
    while True:
        cursor.spaces()
        field = read_field(cursor)
        direction = nulls = ""
        if cursor.take(".asc"):
            direction = "ASC"
        elif cursor.take(".desc"):
            direction = "DESC"
        if cursor.take(".nullsfirst"):
            nulls = "NULLS FIRST"
        elif cursor.take(".nullslast"):
            nulls = "NULLS LAST"
        if cursor.peek("."):
            cursor.at += 1
            cursor.unexpected(
                '"nullsfirst" or "nullslast"' if direction else '"asc", "desc", "nullsfirst" or "nullslast"'
            )
        terms.append(OrderTerm(field, direction, nulls))
        cursor.spaces()
        if cursor.done():
            return terms
        cursor.expect(",")


def parse_filter(key, value):
    """One `column=operator.value` of the query string."""
    path = Cursor(key, "tree path")
    field = read_field(path)
    if path.peek("."):
        raise ApiError(
            400,
            "PGRST108",
            f"'{field.name}' is not an embedded resource in this request",
            None,
            f"Verify that '{field.name}' is included in the 'select' query parameter.",
        )
    cursor = Cursor(value, "filter")
    return _read_operation(cursor, field, _rest_of)


def _rest_of(cursor):
    rest, cursor.at = cursor.text[cursor.at :], len(cursor.text)
    return rest


def _read_operation(cursor, field, read_value):
    expecting = '"not" or operator (eq, gt, ...)'
    start = cursor.at
    found = cursor.match(OPERATION)
    if not found:
        cursor.unexpected(expecting)
    negated, operator, argument = bool(found[1]), found[2], found[3]
    if operator == "in" and argument is None:
        return Filter(field, negated, operator, None, _read_list(cursor))
    if operator == "is" and argument is None:
        value = read_value(cursor).lower()
        if value not in IS_VALUES:
            cursor.at -= len(value)
            cursor.unexpected("isVal: (null, not_null, true, false, unknown)")
        return Filter(field, negated, operator, None, value)
    if operator in QUANTIFIABLE_OPERATORS and argument in (None, "any", "all"):
        return Filter(field, negated, operator, argument, read_value(cursor))
    if operator in TEXT_SEARCH:
        return Filter(field, negated, operator, argument, read_value(cursor))
    if operator in SIMPLE_OPERATORS or operator == "isdistinct":
        if argument is None:
            return Filter(field, negated, operator, None, read_value(cursor))
    cursor.at = start
    cursor.unexpected(expecting)
    return None


LIST_ELEMENT = re.compile(r'"((?:[^"\\]|\\.)*)"(?=[,)])|([^,)]*)')


def _read_list(cursor):
    cursor.spaces()
    cursor.expect("(")
    cursor.spaces()
    values = []
    while True:
        found = cursor.match(LIST_ELEMENT)
        values.append(unquote(found[1]) if found[1] is not None else found[2])
        if cursor.take(")"):
            return values
        cursor.expect(",")


def _logic_value(cursor):
    found = cursor.match(re.compile(r'"((?:[^"\\]|\\.)*)"(?=[,)]|$)'))
    if found:
        return unquote(found[1])
    return cursor.match(re.compile(r"\{[^{}]*\}|[^,)]*"))[0]


def parse_logic(key, value):
    """`and=(…)`, `or=(…)`, `not.and=(…)`, `not.or=(…)`."""
    cursor = Cursor(key + value, "logic tree")
    return _read_logic(cursor)  # PostgREST does not mind what follows


def _read_logic(cursor):
    cursor.spaces()
    found = cursor.match(re.compile(r"(not\.)?(and|or)(?=\s*\()"))
    if not found:
        field = read_field(cursor)
        if not cursor.take("."):
            cursor.unexpected("delimiter (.)")
        term = _read_operation(cursor, field, _logic_value)
        cursor.spaces()
        return term
    cursor.spaces()
    cursor.expect("(")
    terms = []
    while True:
        terms.append(_read_logic(cursor))
        cursor.spaces()
        if cursor.take(")"):
            cursor.spaces()
            return Logic(bool(found[1]), found[2].upper(), tuple(terms))
        cursor.expect(",")


@dataclasses.dataclass
class Query:
    """The query string of one request."""

    select: str = "*"
    columns: list | None = None
    on_conflict: list | None = None
    conditions: list = dataclasses.field(default_factory=list)
    order: list = dataclasses.field(default_factory=list)
    limit: int | None = None
    offset: int | None = None
    arguments: dict = dataclasses.field(default_factory=dict)  # of an RPC by GET


def parse_query(pairs, is_rpc_read=False):
    """`pairs`: decoded names and values in order. Raises `ApiError` as PostgREST would."""
    query = Query()
    for key, value in pairs:
        last = key.rsplit(".", 1)[-1]
        if key == "apikey":
            continue
        if key == "select":
            query.select = value
        elif key == "columns":
            query.columns = sorted(set(parse_names(value, "columns parameter")))
        elif key == "on_conflict":
            query.on_conflict = parse_names(value, "on_conflict parameter")
        elif key == "order":
            query.order = parse_order(value)
        elif key in ("limit", "offset"):
            setattr(query, key, int(value) if re.fullmatch(r"-?\d+", value) else None)
        elif last in ("and", "or"):
            query.conditions.append(parse_logic(key, value))
        elif is_rpc_read and not OPERATION.match(value):
            query.arguments[key] = value
        else:
            query.conditions.append(parse_filter(key, value))
    return query
