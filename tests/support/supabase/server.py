"""The HTTP server: gateway, PostgREST, faults, and the control interface under `/__control`."""

import asyncio
import collections
import dataclasses
import time
import urllib.parse

import psycopg
from aiohttp import web

from .. import wire
from . import tables
from .connections import Connections
from .errors import ApiError, GatewayError
from .faults import Faults, rule_from_json
from .gateway import Keys, authenticate, sign
from .negotiation import Answer, Request
from .rest import Rest
from .schema_cache import SchemaCache

TOO_LARGE = "<html><head><title>413 Request Entity Too Large</title></head><body>too large</body></html>"


@dataclasses.dataclass
class Settings:
    max_rows: int | None = 1000
    statement_timeout_ms: int = 8000
    max_body: int = 50_000_000
    latency: float = 0.0  # seconds added to every request


@dataclasses.dataclass
class Seen:
    """One request, for the log."""

    at: float
    method: str
    path: str
    query: str
    headers: dict
    body_bytes: int
    status: int | None = None
    fault: str | None = None
    seconds: float = 0.0


class Server:
    def __init__(self, postgres):
        self.postgres = postgres
        self.keys = Keys.fresh()
        self.settings = Settings()
        self.faults = Faults()
        self.cache = SchemaCache()
        self.log = collections.deque(maxlen=20_000)
        self.in_flight, self.most_in_flight = 0, 0
        self.stopping = asyncio.Event()

    async def start(self, port=0):
        """Listens on loopback; returns the port."""
        self.connections = Connections(self.postgres.authenticator_dsn)
        self.admin = await Connections(self.postgres.dsn).open()
        await self.admin.execute(tables.WRITE_LOG)
        self.rest = Rest(self.connections, self.cache, self.settings)
        await self.reload()
        self.listener = asyncio.create_task(self._listen())
        app = web.Application(client_max_size=2**31)
        app.router.add_route("*", "/__control/{action}", self._control)
        app.router.add_route("*", "/{path:.*}", self._gateway)
        self.runner = web.AppRunner(app, access_log=None, handler_cancellation=False, shutdown_timeout=1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        return self.port

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def stop(self):
        self.listener.cancel()
        await self.runner.cleanup()
        await self.connections.close()
        await self.admin.close()

    async def reload(self):
        await self.cache.load(self.admin)

    async def _listen(self):
        """Reloads the schema cache on `NOTIFY pgrst`."""
        connection = await Connections(self.postgres.dsn).open()
        async with connection:
            await connection.execute("listen pgrst")
            async for _ in connection.notifies():
                await self.reload()

    # The public side.

    async def _gateway(self, request):
        started = time.monotonic()
        seen = Seen(
            time.time(),
            request.method,
            request.path,
            request.query_string,
            {name.lower(): value for name, value in request.headers.items()},
            request.content_length or 0,
        )
        self.log.append(seen)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            body = await request.read()
            seen.body_bytes = len(body)
            if self.settings.latency:
                await asyncio.sleep(self.settings.latency)
            rule = self.faults.choose(request.method, request.path)
            if rule is None:
                answer = await self._answer(request, body, None)
                seen.status = answer.status
                return _to_response(answer)
            seen.fault = rule.kind
            return await self._misbehave(request, body, rule, seen)
        finally:
            self.in_flight -= 1
            seen.seconds = time.monotonic() - started

    async def _answer(self, request, body, fault):
        if not request.path.startswith("/rest/v1"):
            return Answer(
                404,
                {"Content-Type": "application/json; charset=utf-8"},
                b'{"message":"no Route matched with those values"}',
            )
        pairs = urllib.parse.parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)
        try:
            caller = authenticate(self.keys, request.headers, pairs)
            if len(body) > self.settings.max_body:
                return Answer(413, {"Content-Type": "text/html"}, TOO_LARGE.encode())
        except (ApiError, GatewayError) as error:
            return Answer(*error.response())
        path = request.rel_url.raw_path.removeprefix("/rest/v1")
        return await self.rest.handle(
            Request(request.method, path, pairs, request.headers, body, caller), fault
        )

    async def _misbehave(self, request, body, rule, seen):
        answer = None
        if rule.commits or rule.inside_transaction:
            answer = await self._answer(request, body, rule if rule.inside_transaction else None)
            seen.status = answer.status
        if rule.inside_transaction:
            return _to_response(answer)
        if rule.kind == "respond":
            seen.status = rule.status
            return _to_response(Answer(rule.status, dict(rule.headers), rule.body.encode()))
        if rule.kind == "stall":
            return await self._stall(request, rule, answer, body)
        raw = wire.raw_response(answer.status, answer.headers, answer.body) if answer else b""
        if rule.kind == "reset":
            return await wire.reset(request, raw[: rule.bytes or 0])
        if rule.kind == "drop":
            return await wire.cut_off(request, b"")
        if rule.kind == "truncate":
            # Headers promise a body even where there is none, so that the client can tell.
            promised = answer.body or b"[" + b" " * 64 + b"]"
            raw = wire.raw_response(200 if answer.status == 204 else answer.status, answer.headers, promised)
            return await wire.cut_off(
                request, raw[: len(raw) - len(promised) + (rule.bytes or len(promised) // 2)]
            )
        return await wire.trickle(request, raw, rule.seconds)

    async def _stall(self, request, rule, answer, body):
        deadline = time.monotonic() + (rule.seconds or 3600)
        while time.monotonic() < deadline and not self.stopping.is_set():
            if request.transport is None or request.transport.is_closing():
                return wire.gone()
            await asyncio.sleep(0.02)
        return _to_response(answer or await self._answer(request, body, None))

    # The control side.

    async def _control(self, request):
        action = getattr(self, f"_control_{request.match_info['action']}", None)
        if action is None:
            return web.json_response({"error": "no such action"}, status=404)
        data = await request.json() if request.can_read_body else {}
        try:
            return web.json_response(await action(data))
        except (psycopg.Error, ValueError, TypeError, KeyError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)

    async def _control_info(self, _):
        return {"url": self.url, "dsn": self.postgres.dsn, "keys": dataclasses.asdict(self.keys)}

    async def _control_fault(self, data):
        """Adds a rule (see faults.py); the first that applies to a request wins."""
        self.faults.rules.append(rule_from_json(data))
        return {"rules": len(self.faults.rules)}

    async def _control_faults(self, _):
        return [
            {"kind": rule.kind, "applied": rule.applied, "left": rule.times} for rule in self.faults.rules
        ]

    async def _control_clear_faults(self, _):
        self.faults.rules.clear()
        return {}

    async def _control_settings(self, data):
        for name, value in data.items():
            if name not in Settings.__dataclass_fields__:
                raise ValueError(f"no setting {name!r}")
            setattr(self.settings, name, value)
        return dataclasses.asdict(self.settings)

    async def _control_rotate_keys(self, _):
        """New keys of both kinds; the old ones are refused from now on."""
        self.keys = Keys.fresh()
        return dataclasses.asdict(self.keys)

    async def _control_token(self, claims):
        """A JWT with these claims, signed with the project's secret."""
        return {"token": sign(claims, self.keys.jwt_secret)}

    async def _control_create_table(self, data):
        await self.admin.execute(
            tables.create_table_sql(data["layout"], data.get("table", "products"), data.get("width"))
        )
        await self.reload()
        return {}

    async def _control_slow_rows(self, data):
        await self.admin.execute(tables.slow_rows_sql(data.get("table", "products"), data["seconds"]))
        return {}

    async def _control_sql(self, data):
        """Runs SQL as the superuser; `reload` (true by default) refreshes the schema cache after it."""
        cursor = await self.admin.execute(data["sql"].encode(), data.get("parameters") or None)
        rows = [] if cursor.description is None else await cursor.fetchall()
        if data.get("reload", True):
            await self.reload()
        return {"rows": [[_plain(value) for value in row] for row in rows]}

    async def _control_reload_schema(self, _):
        await self.reload()
        return {}

    async def _control_requests(self, _):
        return [dataclasses.asdict(seen) for seen in self.log]

    async def _control_counts(self, _):
        by_status = collections.Counter(str(seen.status) for seen in self.log)
        by_method = collections.Counter(seen.method for seen in self.log)
        return {
            "requests": len(self.log),
            "by_status": by_status,
            "by_method": by_method,
            "faulty": sum(seen.fault is not None for seen in self.log),
            "most_in_flight": self.most_in_flight,
        }

    async def _control_writes(self, data):
        """How often each row was written, by key: what Postgres committed."""
        cursor = await self.admin.execute(
            "select relation, key, operation, count(*) from contract.writes where relation = $1 "
            "group by 1, 2, 3 order by 2, 3",
            [data.get("table", "products")],
        )
        return [
            {"key": key, "operation": operation, "times": times}
            for _, key, operation, times in await cursor.fetchall()
        ]

    async def _control_clear_log(self, _):
        self.log.clear()
        self.most_in_flight = 0
        await self.admin.execute("truncate contract.writes")
        return {}

    async def _control_reset(self, _):
        """As after the start, but with the same keys: no tables, no functions, no faults, no log."""
        self.faults.rules.clear()
        for name, field in Settings.__dataclass_fields__.items():
            setattr(self.settings, name, field.default)
        cursor = await self.admin.execute(
            "select format('drop function if exists %s cascade', p.oid::regprocedure) from pg_proc p "
            "where pronamespace = 'public'::regnamespace and prokind = 'f' "
            "and not exists (select 1 from pg_depend e where e.objid = p.oid and e.deptype = 'e') union all "
            "select format('drop %s if exists %s cascade', case c.relkind when 'v' then 'view' when 'm' then "
            "'materialized view' else 'table' end, c.oid::regclass) from pg_class c "
            "where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')"
        )
        for (drop,) in await cursor.fetchall():
            await self.admin.execute(drop)
        await self.reload()
        return await self._control_clear_log({})


def _plain(value):
    return value if isinstance(value, (str, int, float, bool, type(None), list, dict)) else str(value)


def _to_response(answer):
    response = web.Response(status=answer.status, body=answer.body or None, headers=answer.headers)
    if not answer.body and "Content-Type" not in answer.headers:
        response.headers.popall("Content-Type", None)
    return response
