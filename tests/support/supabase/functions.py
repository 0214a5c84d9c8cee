"""Which function an RPC means."""

from .errors import ApiError


def resolve(cache, name, keys, takes_body):
    """The function that takes these names; else one with a single unnamed json parameter."""
    candidates = cache.functions.get(name, [])
    fitting = [
        f
        for f in candidates
        if set(keys) <= {n for n, _ in f.parameters}
        and {n for n, _ in f.parameters[: f.required]} <= set(keys)
    ]
    if len(fitting) == 1:
        return fitting[0], False
    if len(fitting) > 1:
        raise ApiError(
            300,
            "PGRST203",
            "Could not choose the best candidate function between: "
            + ", ".join(
                f"{cache.schema}.{f.name}({', '.join(f'{n} => {t}' for n, t in f.parameters)})"
                for f in fitting
            ),
            None,
            "Try renaming the parameters or the function itself in the database so "
            "function overloading can be resolved",
        )
    for function in candidates:
        if (
            takes_body
            and len(function.parameters) == 1
            and function.parameters[0][0] == ""
            and function.parameters[0][1] in ("json", "jsonb")
        ):
            return function, True
    listed = f"({', '.join(keys)})" if keys else " without parameters"
    searched = (
        f" with parameter{'s' if len(keys) > 1 else ''} {', '.join(keys)}" if keys else " without parameters"
    )
    if takes_body:
        searched += " or with a single unnamed json/jsonb parameter"
    raise ApiError(
        404,
        "PGRST202",
        f"Could not find the function {cache.schema}.{name}{listed} in the schema cache",
        f"Searched for the function {cache.schema}.{name}{searched}, "
        "but no matches were found in the "
        "schema cache.",
    )
