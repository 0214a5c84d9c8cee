"""A server that speaks Supabase's REST interface (gateway and PostgREST) over a real Postgres with pgvector.

What Postgres decides (types, constraints, conflicts, row security, time limits) is decided by Postgres; this package
does what the gateway and PostgREST do around it, and misbehaves on command. See `tests/support/postgrest.py` for the
command line and `contract_server.py` for how tests start and steer one.
"""
