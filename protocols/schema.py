"""JSON Schema of protocol and rig files, for editors that complete, explain and check while one types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from protocols.steps import VERBS
from protocols.written import Written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from protocols.model import Model
    from protocols.steps import Step

DRAFT = "http://json-schema.org/draft-07/schema#"


class _Plain(GenerateJsonSchema):
    """Without titles, which editors would offer as if they were words of the language."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  the signature is pydantic's
        """Leave titles of fields out."""
        return False

    def encode_default(self, dft: Any) -> Any:
        """Give a default as a person would write it."""
        return str(dft) if isinstance(dft, Written) else super().encode_default(dft)


def schema_of(
    model: type[Model], verbs: Mapping[str, type[Step]] = VERBS, *, parts: Sequence[str] = ("steps", "finish")
) -> dict[str, Any]:
    """Return the JSON Schema (draft 7) of files that hold a `model`.

    Steps, which stand in `parts` of it, appear as they are written, a mapping from one of `verbs` to what belongs to
    it. `null`, which unsets a merged key, is not offered.
    """
    made = model.model_json_schema(by_alias=True, schema_generator=_Plain)
    definitions = {name: _tidy(part) for name, part in made.pop("$defs", {}).items()}
    body = _tidy(made)
    if any(step.__name__ in definitions for step in verbs.values()):
        definitions["Step"] = _step(verbs)
        for part in parts:
            body["properties"][part]["items"] = _reference("Step")
    return {"$schema": DRAFT, "title": model.__name__, **body, "definitions": definitions}


def _step(verbs: Mapping[str, type[Step]]) -> dict[str, Any]:
    """Return a mapping with exactly one verb. Scalars stand for the one thing a short step needs."""
    return {
        "type": "object",
        "description": "One verb, and what belongs to it.",
        "properties": {verb: _step_body(model) for verb, model in verbs.items()},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }


def _step_body(model: type[Step]) -> dict[str, Any]:
    name = model.__name__
    if model.alone is None:
        return _reference(name)
    field = {"$ref": f"#/definitions/{name}/properties/{model.alone}"}
    return {"anyOf": [field, _reference(name)]}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/definitions/{name}"}


def _tidy(part: Any) -> Any:
    """Return a part of the schema without titles and nulls, with references as draft 7 has them."""
    if isinstance(part, list):
        return [_tidy(p) for p in part]
    if not isinstance(part, dict):
        return part
    out = {key: _tidy(value) for key, value in part.items() if not _is_noise(key, value)}
    if "$ref" in out:
        out["$ref"] = out["$ref"].replace("#/$defs/", "#/definitions/")
    if "anyOf" in out:
        out = _without_null(out)
    # a sibling of $ref is ignored by readers of draft 7, descriptions included
    if "$ref" in out and len(out) > 1:
        out["allOf"] = [{"$ref": out.pop("$ref")}]
    return out


def _is_noise(key: str, value: Any) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value is None)


def _without_null(part: dict[str, Any]) -> dict[str, Any]:
    rest = [p for p in part["anyOf"] if p != {"type": "null"}]
    if len(rest) > 1:
        return {**part, "anyOf": rest}
    others = {key: value for key, value in part.items() if key != "anyOf"}
    return {**rest[0], **others}
