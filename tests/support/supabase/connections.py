"""A small pool of connections, as PostgREST keeps one."""

import asyncio
import contextlib

import psycopg

from .errors import ApiError


class Connections:
    def __init__(self, dsn, size=10, acquire_timeout=10.0):
        self.dsn, self.acquire_timeout = dsn, acquire_timeout
        self.places = asyncio.Semaphore(size)
        self.idle = []

    @contextlib.asynccontextmanager
    async def one(self):
        """A connection in autocommit mode. PGRST003: none is free in time; PGRST000: Postgres is away."""
        try:
            await asyncio.wait_for(self.places.acquire(), self.acquire_timeout)
        except TimeoutError:
            raise ApiError(504, "PGRST003", "Timed out acquiring connection from connection pool.") from None
        try:
            connection = await self._usable()
            try:
                yield connection
            except asyncio.CancelledError:
                await connection.close()
                raise
            finally:
                if not connection.closed:
                    self.idle.append(connection)
        finally:
            self.places.release()

    async def _usable(self):
        while self.idle:
            connection = self.idle.pop()
            if not connection.closed:
                return connection
        return await self.open()

    async def open(self):
        try:
            connection = await psycopg.AsyncConnection.connect(
                self.dsn, autocommit=True, prepare_threshold=None, cursor_factory=psycopg.AsyncRawCursor
            )
        except psycopg.OperationalError as error:
            raise ApiError(503, "PGRST000", "Database connection error.", str(error)) from None
        return connection

    async def close(self):
        for connection in self.idle:
            await connection.close()
        self.idle.clear()
