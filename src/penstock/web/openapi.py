"""The OpenAPI 3.1 document of the operator API, made from the table of endpoints."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

import penstock
from penstock.core.errors import KeyRefusedError, PenstockError, StoreError
from penstock.web.endpoint import BookError, Endpoint, File, ForbiddenError, InvalidError, Role

TEMPLATE: Final = "#/components/schemas/{name}"
NAMES: Final = re.compile(r"\{(\w+)\}")
TEXT: Final[dict[str, Any]] = {"type": "string"}
FILES: Final[dict[str, dict[str, Any]]] = {"application/json": {"type": "object"}}
ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "remedy"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "remedy": {"type": "string"},
                "param": {"type": "string"},
                "problems": {"type": "array", "items": {"type": "object"}},
            },
        }
    },
}


def document(endpoints: Sequence[Endpoint], prefix: str) -> dict[str, Any]:
    """Return the document as JSON's values."""
    types = list(_types(endpoints))
    _, components = msgspec.json.schema_components(types, ref_template=TEMPLATE)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operation = _operation(endpoint)
        paths.setdefault(prefix + endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Penstock's operator API", "version": penstock.__version__},
        "paths": paths,
        "components": {
            "schemas": {**components, "Error": ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def raised(endpoint: Endpoint) -> list[type[PenstockError]]:
    """Return what an endpoint may answer but its answer, by status."""
    kinds: list[type[PenstockError]] = [StoreError, *endpoint.raises]
    if endpoint.role is not Role.NOBODY:
        kinds += [KeyRefusedError, ForbiddenError]
    if endpoint.body is not None or endpoint.query.__struct_fields__:
        kinds.append(InvalidError)
    if endpoint.method != "GET":
        kinds.append(BookError)
    return sorted(set(kinds), key=lambda kind: (kind.status, kind.code))


def _types(endpoints: Iterable[Endpoint]) -> Iterator[Any]:
    for endpoint in endpoints:
        if endpoint.answer not in (None, File):
            yield endpoint.answer
        if endpoint.body is not None:
            yield endpoint.body


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    if endpoint.answer is None:
        responses["204"] = {"description": "done"}
    elif endpoint.answer is File:
        kind = "text/csv" if endpoint.path.endswith(".csv") else "text/html"
        content = {one: {"schema": FILES.get(one, TEXT)} for one in endpoint.kinds or (kind,)}
        responses[str(endpoint.status)] = {"description": "the file", "content": content}
    else:
        responses[str(endpoint.status)] = _json("the answer", _schema(endpoint.answer))
    for kind in raised(endpoint):
        words = ", or ".join(one.code for one in raised(endpoint) if one.status == kind.status)
        responses[str(kind.status)] = _json(words, {"$ref": TEMPLATE.format(name="Error")})
    found: dict[str, Any] = {
        "operationId": _id(endpoint),
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "parameters": [*_path(endpoint), *_query(endpoint)],
        "responses": responses,
    }
    if endpoint.body is not None:
        content = {"application/json": {"schema": _schema(endpoint.body)}}
        found["requestBody"] = {"required": True, "content": content}
    if endpoint.role is not Role.NOBODY:
        found["security"] = [{"token": []}]
        found["x-penstock-role"] = endpoint.role.name.lower()
    return found


def _id(endpoint: Endpoint) -> str:
    words = NAMES.sub(r"by_\1", endpoint.path).strip("/").replace("/", "_").replace("-", "_")
    return f"{endpoint.method.lower()}_{words}"


def _path(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    for name in NAMES.findall(endpoint.path):
        schema = {"type": "string", "minLength": 1}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    for field in msgspec.structs.fields(endpoint.query):
        schema = _schema(field.type)
        if field.default not in (msgspec.NODEFAULT, None, msgspec.UNSET):
            schema = {**schema, "default": msgspec.to_builtins(field.default)}
        yield {
            "name": field.encode_name,
            "in": "query",
            "required": field.required,
            "schema": schema,
        }


def _schema(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=TEMPLATE)
    return schema


def _json(words: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": schema}}}
