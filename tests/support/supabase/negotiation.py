"""What a request's headers ask for, and the answer that they get: Prefer, Accept, single objects."""

import dataclasses

from .errors import ApiError

JSON_TYPES = {"application/json", "*/*", "application/*", ""}
SINGULAR = "application/vnd.pgrst.object+json"
SINGULAR_KINDS = {SINGULAR, "application/vnd.pgrst.object"}
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
    return bool(SINGULAR_KINDS & set(accepted(headers)))


def negotiate(headers):
    kinds = accepted(headers)
    if SINGULAR_KINDS & set(kinds):
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
