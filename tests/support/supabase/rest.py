"""PostgREST: one request in, one answer out, in one transaction of Postgres."""

import json
import re
import urllib.parse

import psycopg

from . import errors, openapi, statements
from .errors import ApiError
from .functions import resolve
from .negotiation import (
    JSON_HEADER,
    SINGULAR,
    Answer,
    add_applied,
    counts,
    negotiate,
    not_singular,
    preferences,
    single,
    wants_singular,
)
from .query import parse_query
from .transaction import Transaction


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
        async with Transaction(self.connections, self.settings, request, None) as connection:
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
        with_body = preferred.get("return") == "representation"
        statement, sql = statements.insert_statement(
            self.cache.schema,
            table,
            known,
            text,
            resolution,
            conflict,
            preferred.get("missing") == "default",
            statements.returning(self.cache.schema, query.select, table) if with_body else "1",
        )
        sql = statements.wrap_mutation(statement, sql, query.select, table, with_body)
        body, count, inserted = await self._mutate(request, statement, sql, preferred, fault)
        headers = {"Content-Range": f"*/{count}" if counts(preferred) else "*/*"}
        applied = [k for k in ("resolution", "missing", "return", "count", "tx") if k in preferred]
        if not conflict and "resolution" in applied:
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
            statements.returning(self.cache.schema, query.select, table) if with_body or not known else "1",
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
            self.cache.schema,
            table,
            query.conditions,
            statements.returning(self.cache.schema, query.select, table) if with_body else "1",
        )
        sql = statements.wrap_mutation(statement, sql, query.select, table, with_body)
        body, count, _ = await self._mutate(request, statement, sql, preferred, fault)
        headers = {"Content-Range": f"*/{count}" if counts(preferred) else "*/*"}
        add_applied(headers, preferred, [k for k in ("return", "count", "tx") if k in preferred])
        return self._with_body(request, 200 if with_body else 204, headers, body, count, with_body)

    async def _mutate(self, request, statement, sql, preferred, fault):
        async with Transaction(self.connections, self.settings, request, fault) as connection:
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
        async with Transaction(self.connections, self.settings, request, fault) as connection:
            body, rows = await (await connection.execute(page_sql, page.values)).fetchone()
            if "count" in preferred:
                total = (await (await connection.execute(count_sql, count.values)).fetchone())[0]
        return self._page(request, kind, preferred, body, rows, offset, total)

    def _page(self, request, kind, preferred, body, rows, offset, total):
        if total is not None and offset > total:
            raise errors.range_not_satisfiable(
                f"An offset of {offset} was requested, but there are only {total} rows.",
                {"Content-Range": f"*/{total}"},
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
        function, single_json = resolve(self.cache, name, keys, not by_query)
        preferred = preferences(request.headers)
        kind = negotiate(request.headers)
        limit, offset = self._range(request, query)
        statement, sql = statements.call_statement(
            self.cache.schema, function, text, query, limit, offset, single_json
        )
        total = None
        async with Transaction(self.connections, self.settings, request, fault, by_query) as connection:
            body, rows = await (await connection.execute(sql, statement.values)).fetchone()
            if "count" in preferred:
                whole, count = statements.call_statement(
                    self.cache.schema, function, text, query, None, 0, single_json
                )
                total = (await (await connection.execute(count, whole.values)).fetchone())[1]
        if function.returns_void:
            return Answer(204, {"Content-Range": "0-0/*"})
        if not function.returns_set:
            headers = {"Content-Range": f"0-0/{'*' if total is None else total}", "Content-Type": JSON_HEADER}
            return Answer(200, headers, b"" if request.method == "HEAD" else body.encode())
        return self._page(request, kind, preferred, body, rows, offset, total)
