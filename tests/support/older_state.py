"""A filled state as an earlier version would have left it: its tables, with what the present one's hold for them.

    python3 tests/support/older_state.py STATE VERSION      turns the database STATE into one of that version
"""

import pathlib
import re
import sqlite3
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "storage" / "state_schema.cpp"
APPLICATION_ID = 0x63617477


def steps():
    """The migrations in their order, as they stand in the source."""
    source = SOURCE.read_text()
    texts = dict(re.findall(r'constexpr std::string_view (\w+) = R"sql\((.*?)\)sql";', source, re.DOTALL))
    order = re.search(r"steps\{(.*?)\}", source, re.DOTALL)[1]
    return [texts[name.strip()] for name in order.split(",")]


def new_state(file, version):
    """An empty state of that version; the open connection."""
    db = sqlite3.connect(file)
    for step in steps()[:version]:
        db.executescript(step)
    db.execute(f"pragma application_id = {APPLICATION_ID}")
    db.execute(f"pragma user_version = {version}")
    return db


def columns_of(db, schema, table):
    return [row[1] for row in db.execute(f"pragma {schema}.table_info({table})")]


def make_older(file, version):
    file = pathlib.Path(file)
    older = file.with_name(file.name + ".older")
    older.unlink(missing_ok=True)
    db = new_state(older, version)
    db.execute("attach ? as present", [str(file)])
    for (table,) in db.execute("select name from main.sqlite_master where type = 'table'").fetchall():
        if table.startswith("sqlite_"):
            continue
        kept = columns_of(db, "present", table)
        both = ", ".join(name for name in columns_of(db, "main", table) if name in kept)
        db.execute(f"delete from main.{table}")
        db.execute(f"insert into main.{table} ({both}) select {both} from present.{table}")
    db.commit()
    db.close()
    for ending in ("-wal", "-shm"):
        file.with_name(file.name + ending).unlink(missing_ok=True)
    older.replace(file)


if __name__ == "__main__":
    make_older(sys.argv[1], int(sys.argv[2]))
