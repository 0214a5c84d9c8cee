"""Misbehaviour on command: rules that say which requests are answered wrongly, and how.

A rule is a JSON object:
  kind        what happens, see below
  times       for how many matching requests; -1 (the default) for ever
  skip        how many matching requests are left alone first
  probability with `seed`: each matching request with this chance
  method      only this method; path: only where this regular expression is found in the path
and the kind's own settings:
  respond     status, headers, body: instead of the request; with `after: true` it is carried out all the same
  stall       seconds (0: until the client leaves); with `after: true` the request is carried out first
  reset       bytes: a TCP reset after so many bytes of the answer; `after: true` commits first
  drop        commits and closes the connection without a byte of answer
  truncate    commits and sends headers and half of the body (or `bytes`), then closes
  slow        seconds over which the answer trickles in
  sql_error   sqlstate, message: Postgres itself raises it inside the transaction
  statement_timeout  Postgres itself cancels the statement (57014)
"""

import dataclasses
import random
import re

KINDS = {"respond", "stall", "reset", "drop", "truncate", "slow", "sql_error", "statement_timeout"}


@dataclasses.dataclass
class Rule:
    kind: str
    times: int = -1
    skip: int = 0
    probability: float = 1.0
    seed: int = 0
    method: str | None = None
    path: str | None = None
    after: bool = False
    status: int = 500
    headers: dict = dataclasses.field(default_factory=dict)
    body: str = ""
    seconds: float = 0.0
    bytes: int | None = None
    sqlstate: str = "XX000"
    message: str = "raised on command"

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"no fault of the kind {self.kind!r}; there are {', '.join(sorted(KINDS))}")
        self.random = random.Random(self.seed)
        self.applied = 0

    def applies(self, method, path):
        """Whether this request is to be answered wrongly; counts."""
        if self.times == 0 or (self.method and self.method.upper() != method):
            return False
        if self.path and not re.search(self.path, path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.random.random() >= self.probability:
            return False
        if self.times > 0:
            self.times -= 1
        self.applied += 1
        return True

    @property
    def commits(self):
        """Whether the request is carried out in spite of the fault."""
        return self.after or self.kind in ("drop", "truncate", "slow")

    @property
    def inside_transaction(self):
        return self.kind in ("sql_error", "statement_timeout")


def rule_from_json(data):
    return Rule(**data)


class Faults:
    def __init__(self):
        self.rules = []

    def choose(self, method, path):
        return next((rule for rule in self.rules if rule.applies(method, path)), None)
