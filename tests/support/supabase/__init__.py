"""A server that speaks Supabase's REST interface (gateway and PostgREST) over a real Postgres with pgvector.

What Postgres decides (types, constraints, conflicts, row security, time limits) is decided by Postgres; this
package does what the gateway and PostgREST do around it, and misbehaves on command.
`tests/support/postgrest.py` is the command line, `contract_server.py` how tests start and steer one.
"""
