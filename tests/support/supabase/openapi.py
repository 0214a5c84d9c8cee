"""The root document `GET /rest/v1/`: Swagger 2.0, a definition per table, formats as PostgREST has them."""

import json

SWAGGER_TYPES = {
    "character varying": "string",
    "character": "string",
    "text": "string",
    "boolean": "boolean",
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "numeric": "number",
    "real": "number",
    "double precision": "number",
    "json": None,
    "jsonb": None,
}
FORMATS = {"smallint": "int32", "integer": "int32", "bigint": "int64"}


def swagger_type(kind):
    return SWAGGER_TYPES.get(kind, "array" if kind.endswith("[]") else "string")


def _property(column):
    described = {}
    if column.default is not None:
        default = _default(column)
        if default is not None:
            described["default"] = default
    description = [column.description] if column.description else []
    if column.is_key:
        description.append("Note:\nThis is a Primary Key.<pk/>")
    if description:
        described["description"] = "\n\n".join(description)
    described["format"] = FORMATS.get(column.type, column.type)
    kind = swagger_type(column.type)
    if kind:
        described["type"] = kind
    if kind == "array":
        described["items"] = {"type": swagger_type(column.type[:-2])}
    return described


def _default(column):
    if swagger_type(column.type) == "string":
        suffix = f"::{column.type}"
        return (
            column.default.removesuffix(suffix).strip("'")
            if column.default.endswith(suffix)
            else column.default
        )
    try:
        return json.loads(column.default)
    except ValueError:
        return None


def document(cache, tables, host):
    """`tables`: the names that the caller may see."""
    definitions, paths = (
        {},
        {
            "/": {
                "get": {
                    "tags": ["Introspection"],
                    "summary": "OpenAPI description (this document)",
                    "produces": ["application/openapi+json", "application/json"],
                    "responses": {"200": {"description": "OK"}},
                }
            }
        },
    )
    for name in sorted(tables):
        table = cache.tables[name]
        definition = {"type": "object", "properties": {c.name: _property(c) for c in table.columns.values()}}
        required = [c.name for c in table.columns.values() if not c.nullable]
        if required:
            definition["required"] = required
        if table.description:
            definition["description"] = table.description
        definitions[name] = definition
        paths[f"/{name}"] = {
            method: {"tags": [name], "responses": {"200": {"description": "OK"}}}
            for method in ("get", "post", "delete", "patch")
        }
    for name in sorted(cache.functions):
        paths[f"/rpc/{name}"] = {
            "post": {"tags": [f"(rpc) {name}"], "responses": {"200": {"description": "OK"}}}
        }
    return {
        "swagger": "2.0",
        "info": {"title": "standard public schema", "description": "", "version": "14.5"},
        "host": host,
        "basePath": "/",
        "schemes": ["http"],
        "consumes": ["application/json", "application/vnd.pgrst.object+json", "text/csv"],
        "produces": ["application/json", "application/vnd.pgrst.object+json", "text/csv"],
        "paths": paths,
        "definitions": definitions,
        "parameters": {},
        "externalDocs": {
            "description": "PostgREST Documentation",
            "url": "https://postgrest.org/en/v14/references/api.html",
        },
    }
