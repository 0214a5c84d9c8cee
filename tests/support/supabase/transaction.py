"""One request's transaction."""

import json

import psycopg

from .statements import literal


class Transaction:
    """BEGIN, the role and its settings, the statement, COMMIT: an error of the commit counts too."""

    def __init__(self, connections, settings, request, fault, read_only=False):
        self.lease = connections.one()
        self.settings, self.request, self.fault, self.read_only = settings, request, fault, read_only

    async def __aenter__(self):
        self.connection = await self.lease.__aenter__()
        try:
            await self.connection.execute("BEGIN READ ONLY" if self.read_only else "BEGIN")
            timeout = self.settings.statement_timeout_ms
            if self.fault is not None and self.fault.kind == "statement_timeout":
                timeout = 10
            await self.connection.execute(
                "select set_config('search_path', 'public, extensions', true), set_config('role', $1, true), "
                "set_config('request.jwt.claims', $2, true), set_config('statement_timeout', $3, true), "
                "set_config('request.method', $4, true), set_config('request.path', $5, true), "
                "set_config('request.headers', $6, true)",
                [
                    self.request.caller.role,
                    json.dumps(self.request.caller.claims),
                    str(timeout),
                    self.request.method,
                    self.request.path,
                    json.dumps({name.lower(): value for name, value in self.request.headers.items()}),
                ],
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
                f"begin raise exception using errcode = {literal(self.fault.sqlstate)}, "
                f"message = {literal(self.fault.message)}; end"
            )
            await self.connection.execute(f"do {literal(body)}")

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
