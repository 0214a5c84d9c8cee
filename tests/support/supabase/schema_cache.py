"""What PostgREST knows of the database: tables, columns, keys and functions of the exposed schema.

Read at start and on `NOTIFY pgrst, 'reload schema'`, not in between: a column added without it is not there.
"""

import dataclasses
import difflib

COLUMNS = """
select c.relname, a.attname,
       case when t.typtype = 'd' then format_type(t.typbasetype, a.atttypmod)
            else format_type(a.atttypid, a.atttypmod) end,
       not a.attnotnull,
       case when a.attidentity = 'd'
              then format('nextval(%L)', pg_get_serial_sequence(c.oid::regclass::text, a.attname))
            when a.attidentity = 'a' or a.attgenerated <> '' then null
            else coalesce(pg_get_expr(d.adbin, d.adrelid), pg_get_expr(t.typdefaultbin, 0)) end,
       coalesce(a.attnum = any(k.conkey), false),
       col_description(c.oid, a.attnum), obj_description(c.oid, 'pg_class'),
       coalesce(array_position(k.conkey, a.attnum), 0)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
where n.nspname = $1 and c.relkind in ('r', 'v', 'm', 'f', 'p')
order by c.relname, a.attnum
"""

FUNCTIONS = """
select p.proname, p.oid, coalesce(p.proargnames, '{}'),
       array(select format_type(x, null) from unnest(p.proargtypes) with ordinality as u(x, i) order by i),
       coalesce(p.proargmodes::text[], '{}'), p.pronargs, p.pronargdefaults, p.proretset,
       format_type(p.prorettype, null),
       t.typtype = 'c' or coalesce(p.proargmodes && '{o,b,t}', false),
       p.provolatile
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
join pg_type t on t.oid = p.prorettype
where n.nspname = $1 and p.prokind = 'f'
  and not exists (select 1 from pg_depend e where e.objid = p.oid and e.deptype = 'e')
"""


@dataclasses.dataclass(frozen=True)
class Column:
    name: str
    type: str  # as `format_type` writes it with an empty search_path: `public.vector(512)`
    nullable: bool
    default: str | None
    is_key: bool
    description: str | None


@dataclasses.dataclass
class Table:
    name: str
    description: str | None = None
    columns: dict = dataclasses.field(default_factory=dict)
    key: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    parameters: tuple  # of (name, type)
    required: int  # the first so many have no default
    returns_set: bool
    return_type: str
    returns_rows: bool  # a composite type or a table
    volatility: str

    @property
    def returns_void(self):
        return self.return_type == "void"


class SchemaCache:
    def __init__(self, schema="public"):
        self.schema = schema
        self.tables = {}
        self.functions = {}

    async def load(self, connection):
        tables, functions = {}, {}
        async with connection.transaction():
            await connection.execute("set local search_path = ''")
            key_positions = {}
            for name, column, kind, nullable, default, is_key, text, table_text, position in await (
                await connection.execute(COLUMNS, [self.schema])
            ).fetchall():
                table = tables.setdefault(name, Table(name, table_text))
                table.columns[column] = Column(column, kind, nullable, default, is_key, text)
                if is_key:
                    key_positions.setdefault(name, []).append((position, column))
            for name, positions in key_positions.items():
                tables[name].key = [column for _, column in sorted(positions)]
            for name, _, names, types, modes, count, defaults, is_set, returned, rows, volatility in await (
                await connection.execute(FUNCTIONS, [self.schema])
            ).fetchall():
                taken = [n for n, mode in zip(names, modes or ["i"] * len(names)) if mode in ("i", "b", "v")]
                taken += [""] * (count - len(taken))
                functions.setdefault(name, []).append(
                    Function(
                        name,
                        tuple(zip(taken[:count], types)),
                        count - defaults,
                        is_set,
                        returned,
                        rows,
                        volatility,
                    )
                )
        self.tables, self.functions = tables, functions

    def similar_table(self, name):
        """PostgREST's hint for a table that is not there."""
        near = difflib.get_close_matches(name, self.tables, 1, 0.75)
        return f"Perhaps you meant the table '{self.schema}.{near[0]}'" if near else None
