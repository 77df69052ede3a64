"""The pages of the reference on the APIs of processes, from their endpoints and shapes."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from paper import page, table

from penstock.apps.chat.api.table import ENDPOINTS as CHAT_ENDPOINTS
from penstock.apps.control.api.table import ENDPOINTS
from penstock.apps.status.api.table import ENDPOINTS as STATUS_ENDPOINTS
from penstock.core.errors import KeyRefusedError, StoreError
from penstock.web.endpoint import Endpoint, ForbiddenError
from penstock.web.http import PREFIX, WITHIN_S
from penstock.web.openapi import document, raised

BOUNDS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "maxLength": "at most {} characters",
}
CONTAINERS: Final = {"array": "items", "object": "additionalProperties"}
NAMED: Final = {"array": "list", "object": "table", "integer": "whole number", "string": "text"}


def api() -> str:
    """Return the page of control's operator API."""
    return api_page(ENDPOINTS, "Operator API", f"Paths are below `{PREFIX}` at control's address.")


def status_api() -> str:
    """Return the page of the status process's operator API."""
    return api_page(
        STATUS_ENDPOINTS,
        "Operator API of the status page",
        f"Paths are below `{PREFIX}` at the status process's address. A token is the one of the "
        "state directory (`control.token`), or an operator's that control has signed "
        "(`POST /account/signed-token` there): it holds for 12 hours, also with control dead.",
    )


def chat_api() -> str:
    """Return the page of the chat's API."""
    return api_page(
        CHAT_ENDPOINTS,
        "API of the chat",
        f"Paths are below `{PREFIX}` at the chat's address: what its own page calls, with the "
        "cookie of a log-in. A person is a viewer, and sees what is its own; an owner is an "
        "administrator, or the token of the state directory (`control.token`), and sees accounts, "
        "never what is said in them. Streams (`/events`) and the bytes of files are described in "
        "`apps/chat/shapes.py`.",
    )


def api_page(endpoints: Sequence[Endpoint], title: str, lead: str) -> str:
    """Return the page of an operator API."""
    described = document(endpoints, PREFIX)
    parts = [
        f"## {tag}\n\n" + table(["call", "what", "role", "query", "body", "answer", "errors"], rows)
        for tag, rows in itertools.groupby(map(api_row, endpoints), key=lambda row: row[0])
        for rows in [[row[1:] for row in rows]]
    ]
    return page(
        title,
        f"{lead} `{PREFIX}/openapi.json` says the same "
        "to programs. Send `Authorization: Bearer TOKEN`; a role may do what those before it may: "
        'viewer, operator, owner. An error is `{"error": {"code", "message", "remedy", '
        '"param", "problems"}}`; `param` names the field. Any call may be refused with '
        f"{KeyRefusedError.status} `{KeyRefusedError.code}`, {ForbiddenError.status} "
        f"`{ForbiddenError.code}`, and {StoreError.status} `{StoreError.code}` if the database "
        f"does not answer; none waits longer than {WITHIN_S:g} s.",
        *parts,
        "## Shapes",
        *(
            shape_part(name, schema)
            for name, schema in sorted(described["components"]["schemas"].items())
            if "properties" in schema and name != "Error"
        ),
    )


def api_row(endpoint: Endpoint) -> list[str]:
    """Return an endpoint's tag and its row."""
    operation = document([endpoint], PREFIX)["paths"][PREFIX + endpoint.path]
    told = operation[endpoint.method.lower()]
    query = [one for one in told["parameters"] if one["in"] == "query"]
    return [
        endpoint.tag,
        f"`{endpoint.method} {endpoint.path}`",
        endpoint.summary,
        endpoint.role.name.lower(),
        "; ".join(f"`{one['name']}` {schema_words(one['schema'])}" for one in query),
        content_words(told.get("requestBody", {})),
        content_words(told["responses"].get(str(endpoint.status), {})) or "nothing",
        ", ".join(dict.fromkeys(told_by_endpoint(endpoint))),
    ]


def told_by_endpoint(endpoint: Endpoint) -> Iterator[str]:
    """Yield the refusals of an endpoint, but for those that all have."""
    for one in raised(endpoint):
        if one not in (KeyRefusedError, ForbiddenError, StoreError):
            yield f"{one.status} `{one.code}`"


def content_words(told: Mapping[str, Any]) -> str:
    """Return what a body is; empty if there is none."""
    content: dict[str, Any] = told.get("content", {})
    return ", ".join(
        schema_words(one["schema"]) if kind == "application/json" else f"`{kind}`"
        for kind, one in content.items()
    )


def shape_part(name: str, schema: Mapping[str, Any]) -> str:
    """Return the fields of one shape."""
    needed = schema.get("required", [])
    rows = [
        [
            f"`{field}`",
            schema_words(one),
            "required"
            if field in needed
            else f"`{msgspec.json.encode(one['default']).decode()}`"
            if "default" in one
            else "",
        ]
        for field, one in schema["properties"].items()
    ]
    words = str(schema.get("description", "")).partition("\n")[0]
    return f"### {name}\n\n{words}\n\n{table(['field', 'type', 'default'], rows)}"


def schema_words(schema: Mapping[str, Any]) -> str:
    """Return a JSON schema as people say it."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(schema_words(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{msgspec.json.encode(one).decode()}`" for one in schema["enum"])
    kind = str(schema.get("type", "anything"))
    if kind in CONTAINERS:
        inner = schema.get("prefixItems") or [schema.get(CONTAINERS[kind]) or {}]
        return f"{NAMED.get(kind)} of {', '.join(schema_words(one) for one in inner)}"
    bounds = [words.format(schema[name]) for name, words in BOUNDS.items() if name in schema]
    return ", ".join([NAMED.get(kind, kind), *bounds])
