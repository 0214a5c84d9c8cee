"""What goes wrong, as the gateway and as PostgREST say it (PostgREST 14's `Error.hs`)."""

import json


class ApiError(Exception):
    """An error in PostgREST's form: `code`, `message`, `details`, `hint`, nulls included."""

    def __init__(self, status, code, message, details=None, hint=None, headers=None):
        super().__init__(message)
        self.status, self.code = status, code
        self.body = {"code": code, "message": message, "details": details, "hint": hint}
        self.headers = dict(headers or {})

    def response(self):
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Proxy-Status": f"PostgREST; error={self.code}",
            **self.headers,
        }
        if self.status == 503:
            headers.setdefault("Retry-After", "1")
        return self.status, headers, json.dumps(self.body, ensure_ascii=False).encode()


class GatewayError(Exception):
    """An error of the gateway in front of PostgREST: no `code`."""

    def __init__(self, status, message, hint=None):
        super().__init__(message)
        self.status = status
        self.body = {"message": message} if hint is None else {"message": message, "hint": hint}

    def response(self):
        return (
            self.status,
            {"Content-Type": "application/json; charset=utf-8"},
            json.dumps(self.body).encode(),
        )


def bad_query(parameter, text, column, details):
    return ApiError(
        400, "PGRST100", f'"failed to parse {parameter} ({text})" (line 1, column {column})', details
    )


def invalid_body(message):
    return ApiError(400, "PGRST102", message)


def range_not_satisfiable(details, headers=None):
    return ApiError(416, "PGRST103", "Requested range not satisfiable", details, headers=headers)


def missing_column(column, table):
    return ApiError(400, "PGRST204", f"Could not find the '{column}' column of '{table}' in the schema cache")


def missing_table(schema, table, hint=None):
    return ApiError(
        404, "PGRST205", f"Could not find the table '{schema}.{table}' in the schema cache", None, hint
    )


def jwt_error(code, message, details=None):
    challenge = (
        "Bearer"
        if code == "PGRST302"
        else (f'Bearer error="invalid_token", error_description={json.dumps(message)}')
    )
    return ApiError(401, code, message, details, headers={"WWW-Authenticate": challenge})


# The first rule whose prefix fits; whole codes stand before their classes.
STATUS_OF_SQLSTATE = [
    ("08", 503),
    ("09", 500),
    ("0L", 403),
    ("0P", 403),
    ("23503", 409),
    ("23505", 409),
    ("25006", 405),
    ("25", 500),
    ("28", 403),
    ("2D", 500),
    ("38", 500),
    ("39", 500),
    ("3B", 500),
    ("40", 500),
    ("53400", 500),
    ("53", 503),
    ("54", 500),
    ("55", 500),
    ("57P01", 503),
    ("57", 500),
    ("58", 500),
    ("F0", 500),
    ("HV", 500),
    ("P0001", 400),
    ("P0", 500),
    ("XX", 500),
    ("42883", 404),
    ("42P01", 404),
    ("42P17", 500),
]


def status_of_sqlstate(sqlstate, message, is_anonymous):
    """The HTTP status that PostgREST gives an error of Postgres."""
    if sqlstate == "21000":
        return 400 if message.endswith("requires a WHERE clause") else 500
    if sqlstate == "22023":
        return 401 if message.startswith("role") and message.endswith("does not exist") else 400
    if sqlstate == "42501":
        return 401 if is_anonymous else 403
    if sqlstate.startswith("PT"):
        return int(sqlstate[2:]) if sqlstate[2:].isdigit() else 500
    for prefix, status in STATUS_OF_SQLSTATE:
        if sqlstate.startswith(prefix):
            return status
    return 400


def from_postgres(error, is_anonymous):
    """An `ApiError` for an exception of psycopg."""
    diagnostic = getattr(error, "diag", None)
    sqlstate = getattr(error, "sqlstate", None)
    if not sqlstate:
        return ApiError(503, "PGRST001", "Database client error. Retrying the connection.", str(error))
    message = diagnostic.message_primary
    status = status_of_sqlstate(sqlstate, message, is_anonymous)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return ApiError(status, sqlstate, message, diagnostic.message_detail, diagnostic.message_hint, headers)
