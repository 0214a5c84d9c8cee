"""PostgREST: one request in, one answer out, in one transaction of Postgres."""

import dataclasses
import json
import re
import urllib.parse

import psycopg

from . import errors, openapi, statements
from .errors import ApiError
from .query import parse_query

JSON_TYPES = {"application/json", "*/*", "application/*", ""}
SINGULAR = "application/vnd.pgrst.object+json"
JSON_HEADER = "application/json; charset=utf-8"
PREFERENCES = {
    "resolution": ("merge-duplicates", "ignore-duplicates"),
    "return": ("representation", "minimal", "headers-only"),
    "count": ("exact", "planned", "estimated"),
    "missing": ("default", "null"),
    "handling": ("strict", "lenient"),
    "tx": ("commit", "rollback"),
}


@dataclasses.dataclass
class Request:
    method: str
    path: str  # below /rest/v1
    query_pairs: list
    headers: object  # case-insensitive mapping
    body: bytes
    caller: object


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes = b""


class Rest:
    def __init__(self, connections, cache, settings):
        self.connections, self.cache, self.settings = connections, cache, settings

    async def handle(self, request, fault=None):
        """The answer; errors become answers too. `fault` is a rule that acts inside the transaction."""
        try:
            return await self._dispatch(request, fault)
        except ApiError as error:
            return Answer(*error.response())
        except psycopg.Error as error:
            return Answer(*errors.from_postgres(error, request.caller.role == "anon").response())

    async def _dispatch(self, request, fault):
        parts = [urllib.parse.unquote(part) for part in request.path.strip("/").split("/")]
        if parts == [""]:
            return await self._root(request)
        if len(parts) == 2 and parts[0] == "rpc":
            return await self._call(request, parts[1], fault)
        if len(parts) != 1:
            raise ApiError(404, "PGRST125", "Invalid path specified in request URL")
        actions = {
            "GET": self._read,
            "HEAD": self._read,
            "POST": self._insert,
            "PATCH": self._update,
            "DELETE": self._delete,
        }
        if request.method not in actions:
            raise ApiError(405, "PGRST117", f"Unsupported HTTP method: {request.method}")
        query = parse_query(request.query_pairs)
        table = self.cache.tables.get(parts[0])
        if table is None:
            raise errors.missing_table(self.cache.schema, parts[0], self.cache.similar_table(parts[0]))
        return await actions[request.method](request, table, query, fault)

    async def _root(self, request):
        async with self._transaction(request.caller, None) as connection:
            rows = await (
                await connection.execute(
                    "select c.relname from pg_class c where c.relnamespace = $1::regnamespace and "
                    "has_table_privilege(c.oid, 'select, insert, update, delete') "
                    "and c.relkind in ('r','v','m','f','p')",
                    [self.cache.schema],
                )
            ).fetchall()
        visible = [name for (name,) in rows if name in self.cache.tables]
        text = json.dumps(openapi.document(self.cache, visible, request.headers.get("Host", "")))
        return Answer(200, {"Content-Type": "application/openapi+json; charset=utf-8"}, text.encode())

    async def _insert(self, request, table, query, fault):
        preferred = preferences(request.headers)
        columns, text = self._payload(request, query)
        known = statements.known_columns(table, columns)
        resolution = preferred.get("resolution")
        conflict = query.on_conflict or table.key
        if not conflict:
            resolution = None
        with_body = preferred.get("return") == "representation"
        statement, sql = statements.insert_statement(
            self.cache.schema,
            table,
            known,
            text,
            resolution,
            conflict,
            preferred.get("missing") == "default",
            "*" if with_body else "1",
        )
        sql = statements.wrap_mutation(statement, sql, query.select, table, with_body)
        body, count, inserted = await self._mutate(request, statement, sql, preferred, fault)
        headers = {"Content-Range": f"*/{count}" if counts(preferred) else "*/*"}
        applied = [k for k in ("resolution", "missing", "return", "count", "tx") if k in preferred]
        if not resolution and "resolution" in applied:
            applied.remove("resolution")
        add_applied(headers, preferred, applied)
        status = 200 if resolution == "merge-duplicates" and inserted <= 0 else 201
        return self._with_body(request, status, headers, body, count, with_body)

    async def _update(self, request, table, query, fault):
        preferred = preferences(request.headers)
        columns, text = self._payload(request, query)
        known = statements.known_columns(table, columns)
        with_body = preferred.get("return") == "representation"
        if known and not query.conditions:
            raise ApiError(400, "21000", "UPDATE requires a WHERE clause")  # what safeupdate raises
        statement, sql = statements.update_statement(
            self.cache.schema,
            table,
            known,
            text,
            query.conditions,
            preferred.get("missing") == "default",
            "*" if with_body or not known else "1",
        )
        sql = statements.wrap_mutation(statement, sql, query.select, table, with_body)
        body, count, _ = await self._mutate(request, statement, sql, preferred, fault)
        place = f"0-{count - 1}" if count > 0 else "*"
        headers = {"Content-Range": f"{place}/{count}" if counts(preferred) else f"{place}/*"}
        add_applied(headers, preferred, [k for k in ("missing", "return", "count", "tx") if k in preferred])
        return self._with_body(request, 200 if with_body else 204, headers, body, count, with_body)

    async def _delete(self, request, table, query, fault):
        preferred = preferences(request.headers)
        with_body = preferred.get("return") == "representation"
        if not query.conditions:
            raise ApiError(400, "21000", "DELETE requires a WHERE clause")
        statement, sql = statements.delete_statement(
            self.cache.schema, table, query.conditions, "*" if with_body else "1"
        )
        sql = statements.wrap_mutation(statement, sql, query.select, table, with_body)
        body, count, _ = await self._mutate(request, statement, sql, preferred, fault)
        headers = {"Content-Range": f"*/{count}" if counts(preferred) else "*/*"}
        add_applied(headers, preferred, [k for k in ("return", "count", "tx") if k in preferred])
        return self._with_body(request, 200 if with_body else 204, headers, body, count, with_body)

    async def _mutate(self, request, statement, sql, preferred, fault):
        async with self._transaction(request.caller, fault) as connection:
            row = await (await connection.execute(sql, statement.values)).fetchone()
            if (
                preferred.get("return") == "representation"
                and wants_singular(request.headers)
                and row[1] != 1
            ):
                raise not_singular(row[1])
        return row

    def _with_body(self, request, status, headers, body, count, with_body):
        if not with_body:
            return Answer(status, headers)
        kind = negotiate(request.headers)
        text = single(body, count) if kind == SINGULAR else body
        return Answer(status, {**headers, "Content-Type": f"{kind}; charset=utf-8"}, text.encode())

    def _payload(self, request, query):
        kind = request.headers.get("Content-Type", "application/json").split(";")[0].strip().lower()
        if kind not in ("application/json", SINGULAR, "application/vnd.pgrst.array+json"):
            raise errors.invalid_body(f"Content-Type not acceptable: {kind}")
        if query.columns is not None:
            return query.columns, request.body.decode(errors="replace")
        return statements.payload_columns(request.body)

    async def _read(self, request, table, query, fault):
        preferred = preferences(request.headers)
        kind = negotiate(request.headers)
        limit, offset = self._range(request, query)
        (page, page_sql), (count, count_sql) = statements.read_statements(
            self.cache.schema, table, query, limit, offset
        )
        total = None
        async with self._transaction(request.caller, fault) as connection:
            body, rows = await (await connection.execute(page_sql, page.values)).fetchone()
            if "count" in preferred:
                total = (await (await connection.execute(count_sql, count.values)).fetchone())[0]
        return self._page(request, kind, preferred, body, rows, offset, total)

    def _page(self, request, kind, preferred, body, rows, offset, total):
        if total is not None and offset > total:
            raise errors.range_not_satisfiable(
                f"An offset of {offset} was requested, but there are only {total} rows."
            )
        place = f"{offset}-{offset + rows - 1}" if rows and total != 0 else "*"
        headers = {
            "Content-Range": f"{place}/{'*' if total is None else total}",
            "Content-Type": f"{kind}; charset=utf-8",
        }
        add_applied(headers, preferred, [k for k in ("count", "tx") if k in preferred])
        status = 206 if total is not None and rows < total else 200
        if kind == SINGULAR:
            body, status = single(body, rows), 200
        return Answer(status, headers, b"" if request.method == "HEAD" else body.encode())

    def _range(self, request, query):
        """Limit and offset of the page: as asked for, cut by the Range header and, silently, by max-rows."""
        if query.limit is not None and query.limit < 0:
            raise errors.range_not_satisfiable("Limit should be greater than or equal to zero.")
        first = max(0, query.offset or 0)
        last = None if query.limit is None else first + query.limit - 1
        found = (
            re.fullmatch(r"([0-9]+)-([0-9]*)", request.headers.get("Range", ""))
            if request.method == "GET"
            else None
        )
        if found and query.limit != 0:
            if found[2] and int(found[2]) < int(found[1]):
                raise errors.range_not_satisfiable(
                    "The lower boundary must be lower than or equal to the upper boundary "
                    "in the Range header."
                )
            first = max(first, int(found[1]))
            if found[2]:
                last = int(found[2]) if last is None else min(last, int(found[2]))
        limit = None if last is None else max(0, last - first + 1)
        if self.settings.max_rows is not None:
            limit = self.settings.max_rows if limit is None else min(limit, self.settings.max_rows)
        return limit, first

    async def _call(self, request, name, fault):
        if request.method not in ("POST", "GET", "HEAD"):
            raise ApiError(405, "PGRST101", f"Cannot use the {request.method} method on RPC")
        by_query = request.method != "POST"
        query = parse_query(request.query_pairs, by_query)
        if by_query:
            keys, text = sorted(query.arguments), json.dumps(query.arguments)
        else:
            keys, text = statements.payload_columns(request.body, True)
        function, single_json = self._resolve(name, keys)
        preferred = preferences(request.headers)
        kind = negotiate(request.headers)
        limit, offset = self._range(request, query)
        statement, sql = statements.call_statement(
            self.cache.schema, function, text, query, limit, offset, single_json
        )
        async with self._transaction(request.caller, fault, by_query) as connection:
            body, rows = await (await connection.execute(sql, statement.values)).fetchone()
        if function.returns_void:
            return Answer(204, {"Content-Range": "0-0/*"})
        if not function.returns_set:
            return Answer(200, {"Content-Range": "0-0/*", "Content-Type": JSON_HEADER}, body.encode())
        return self._page(request, kind, preferred, body, rows, offset, None)

    def _resolve(self, name, keys):
        """The function that takes these names; else one with a single unnamed json parameter."""
        candidates = self.cache.functions.get(name, [])
        fitting = [
            f
            for f in candidates
            if set(keys) <= {n for n, _ in f.parameters}
            and {n for n, _ in f.parameters[: f.required]} <= set(keys)
        ]
        if len(fitting) == 1:
            return fitting[0], False
        if len(fitting) > 1:
            raise ApiError(
                300,
                "PGRST203",
                "Could not choose the best candidate function between: "
                + ", ".join(
                    f"{self.cache.schema}.{f.name}({', '.join(f'{n} => {t}' for n, t in f.parameters)})"
                    for f in fitting
                ),
                None,
                "Try renaming the parameters or the function itself in the database so "
                "function overloading can be resolved",
            )
        for function in candidates:
            if (
                len(function.parameters) == 1
                and function.parameters[0][0] == ""
                and function.parameters[0][1] in ("json", "jsonb")
            ):
                return function, True
        listed = f"({', '.join(keys)})" if keys else " without parameters"
        searched = (
            f" with parameter{'s' if len(keys) > 1 else ''} {', '.join(keys)} or with a single unnamed "
            "json/jsonb parameter"
            if keys
            else " without parameters or with a single unnamed json/jsonb parameter"
        )
        raise ApiError(
            404,
            "PGRST202",
            f"Could not find the function {self.cache.schema}.{name}{listed} in the schema cache",
            f"Searched for the function {self.cache.schema}.{name}{searched}, "
            "but no matches were found in the "
            "schema cache.",
        )

    def _transaction(self, caller, fault, read_only=False):
        return Transaction(self.connections, self.settings, caller, fault, read_only)


class Transaction:
    """BEGIN, the role and its settings, the statement, COMMIT: an error of the commit counts too."""

    def __init__(self, connections, settings, caller, fault, read_only):
        self.lease = connections.one()
        self.settings, self.caller, self.fault, self.read_only = settings, caller, fault, read_only

    async def __aenter__(self):
        self.connection = await self.lease.__aenter__()
        try:
            await self.connection.execute("BEGIN READ ONLY" if self.read_only else "BEGIN")
            timeout = self.settings.statement_timeout_ms
            if self.fault is not None and self.fault.kind == "statement_timeout":
                timeout = 10
            await self.connection.execute(
                "select set_config('search_path', 'public, extensions', true), set_config('role', $1, true), "
                "set_config('request.jwt.claims', $2, true), set_config('statement_timeout', $3, true)",
                [self.caller.role, json.dumps(self.caller.claims), str(timeout)],
            )
            await self._carry_out_fault()
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self.connection

    async def _carry_out_fault(self):
        if self.fault is None:
            return
        if self.fault.kind == "statement_timeout":
            await self.connection.execute("select pg_catalog.pg_sleep(5)")
        if self.fault.kind == "sql_error":
            body = (
                f"begin raise exception using errcode = {statements.literal(self.fault.sqlstate)}, "
                f"message = {statements.literal(self.fault.message)}; end"
            )
            await self.connection.execute(f"do {statements.literal(body)}")

    async def __aexit__(self, kind, error, traceback):
        try:
            if not self.connection.closed:
                await self.connection.execute("COMMIT" if error is None else "ROLLBACK")
        except psycopg.Error:
            if not self.connection.closed:
                await self.connection.execute("ROLLBACK")
            if error is None:
                raise
        finally:
            await self.lease.__aexit__(None, None, None)
        return False


def preferences(headers):
    """The Prefer headers; the first value of each counts."""
    found = {}
    for header in headers.getall("Prefer", []):
        for part in header.split(","):
            key, _, value = part.strip().partition("=")
            if value in PREFERENCES.get(key, ()):
                found.setdefault(key, value)
    if found.get("tx"):
        del found["tx"]  # Supabase does not permit it
    return found


def add_applied(headers, preferred, names):
    if names:
        headers["Preference-Applied"] = ", ".join(f"{name}={preferred[name]}" for name in names)


def counts(preferred):
    return preferred.get("count") in ("exact", "estimated")


def accepted(headers):
    return [part.split(";")[0].strip().lower() for part in headers.get("Accept", "*/*").split(",")]


def wants_singular(headers):
    return SINGULAR in accepted(headers)


def negotiate(headers):
    kinds = accepted(headers)
    if SINGULAR in kinds:
        return SINGULAR
    if JSON_TYPES & set(kinds):
        return "application/json"
    raise ApiError(406, "PGRST107", f"None of these media types are available: {', '.join(kinds)}")


def not_singular(count):
    return ApiError(
        406,
        "PGRST116",
        "Cannot coerce the result to a single JSON object",
        f"The result contains {count} rows",
    )


def single(body, count):
    """The only row of an array that Postgres wrote, without reading its numbers."""
    if count != 1:
        raise not_singular(count)
    return body.strip()[1:-1]
