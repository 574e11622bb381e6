"""Pydantic's findings in the words of a person at the rig."""

from __future__ import annotations

import difflib
import types
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from protocols.marks import Finding
from protocols.model import NAME, PATTERN_WORDS, Model

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    from protocols.marks import Marked, Path

_SIMPLE = {
    "string_type": "text belongs here; put it in quotes",
    "string_too_short": "this text is too short",
    "model_type": "keys and values belong here, such as '{key: value}'",
    "dict_type": "names with keys and values belong here",
    "tuple_type": "a list belongs here; each item begins with '- '",
    "bool_type": "'yes' or 'no' belongs here",
    "bool_parsing": "'yes' or 'no' belongs here",
    "int_type": "a whole number belongs here",
    "int_parsing": "a whole number belongs here",
    "int_from_float": "a whole number belongs here",
    "int_parsing_size": "a whole number belongs here",
    "too_short": "there must be at least one",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
    "greater_than": ("gt", "more than"),
}


def explain(error: ErrorDetails, model: type[Model], marked: Marked) -> Finding:
    """Return one of pydantic's errors as a finding: what is wrong, and what to write instead."""
    path = tuple(error["loc"])
    context: dict[str, Any] = error.get("ctx") or {}
    match error["type"]:
        case "missing":
            finding = _missing(path, model, marked)
        case "extra_forbidden":
            known = _keys(_kind_at(model, path[:-1]))
            finding = Finding(path, f"'{path[-1]}' is not known here{did_you_mean(str(path[-1]), known)}", on_key=True)
        case "unknown_verb":
            finding = _unknown_verb(path, marked, context)
        case "string_pattern_mismatch":
            finding = _pattern(path, context, model, str(error["input"]))
        case "literal_error":
            finding = Finding(path, _literal(str(error["input"]), str(context["expected"])))
        case "ours" if context.get("at"):
            finding = Finding((*path, context["at"]), error["msg"], on_key=True)
        case _:
            finding = Finding(path, _plain(error, context))
    return finding


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return '; did you mean ...?' if something known is near, what is known otherwise."""
    known = list(known)
    lowered = {k.lower(): k for k in known}
    near = difflib.get_close_matches(word.lower().replace("-", "_").replace(" ", "_"), lowered, 1, 0.6)
    if near:
        return f"; did you mean '{lowered[near[0]]}'?"
    return f"; known are {', '.join(known)}" if known else ""


def _missing(path: Path, model: type[Model], marked: Marked) -> Finding:
    field = _fields(_kind_at(model, path[:-1])).get(str(path[-1]))
    about = f": {field.rstrip('.')}" if field else ""
    if path in marked.keys:
        return Finding(path, f"'{path[-1]}' is empty{about}", on_key=True)
    return Finding(path[:-1], f"'{path[-1]}' is missing{about}", on_key=True)


def _unknown_verb(path: Path, marked: Marked, context: dict[str, Any]) -> Finding:
    """Explain an item of a list that is not one known verb; `context` says what the list's items are called."""
    known, thing, verb = str(context["verbs"]).split(", "), context["thing"], context["verb"]
    step = marked.at(path)
    verbs = f"the {verb}s are {context['verbs']}"
    if not isinstance(step, dict) or not step:
        hint = f" (write '{step}: {{}}')" if isinstance(step, str) and step in known else ""
        such = f"such as '{context['example']}'"
        return Finding(path, f"a {thing} is a {verb} with what belongs to it, {such}{hint}; {verbs}")
    first, *others = step
    if not others:
        return Finding((*path, first), f"'{first}' is not a {verb}{did_you_mean(first, known)}", on_key=True)
    if first in known and others[0] not in known:
        hint = f"'{others[0]}' belongs to '{first}': indent it by two more spaces"
    else:
        hint = f"'{first}' and '{others[0]}' are in one {thing}; each {thing} begins with '- '"
    return Finding((*path, others[0]), hint, on_key=True)


def _pattern(path: Path, context: dict[str, Any], model: type[Model], text: str) -> Finding:
    is_key = bool(path) and path[-1] == "[key]"
    path = path[:-1] if is_key else path
    if context.get("pattern") == NAME:
        words = f"'{text}' cannot be a name here: letters, digits and '_', a letter first"
        return Finding(path, words, on_key=is_key)
    words = _pattern_words(_kind_at(model, path[:-1]), path[-1])
    return Finding(path, f"'{text}' is not understood" + (f": {words}" if words else ""))


def _pattern_words(kind: Any, key: str | int) -> str:
    """Return what to write at `key`, to go on with after a colon."""
    field = _infos(kind).get(str(key))
    extra = field.json_schema_extra if field is not None else None
    words = str(extra.get(PATTERN_WORDS, "")) if isinstance(extra, dict) else ""
    return (words[:1].lower() + words[1:]).rstrip(".")


def _literal(text: str, expected: str) -> str:
    choices = [c.strip(" '") for c in expected.replace(" or ", ",").split(",")]
    listed = f"one of {expected} belongs here" if len(choices) > 1 else f"{expected} belongs here"
    near = difflib.get_close_matches(text.lower(), choices, 1, 0.6)
    return f"'{text}' is not possible; {listed}" + (f"; did you mean '{near[0]}'?" if near else "")


def _plain(error: ErrorDetails, context: dict[str, Any]) -> str:
    if error["type"] in _BOUNDS:
        key, words = _BOUNDS[error["type"]]
        return f"must be {words} {context[key]}"
    return _SIMPLE.get(error["type"], error["msg"])


def _keys(kind: Any) -> list[str]:
    return list(_fields(kind))


def _fields(kind: Any) -> dict[str, str]:
    """Return the keys of a model as written in a file, with their descriptions."""
    return {key: f.description or "" for key, f in _infos(kind).items()}


def _infos(kind: Any) -> dict[str, FieldInfo]:
    """Return the fields of a model by their keys in a file; nothing for what is no model."""
    if not (isinstance(kind, type) and issubclass(kind, Model)):
        return {}
    return {f.alias or name: f for name, f in kind.model_fields.items()}


def _kind_at(kind: Any, path: Path) -> Any:
    """Return the type that belongs at `path` under `kind`; None where nothing is known."""
    for part in path:
        kind = _inner(_bare(kind), part)
    return _bare(kind)


def _inner(kind: Any, part: str | int) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return next((m for m in map(_bare, args) if getattr(m, "verb", None) == part), None)
    if origin is tuple:
        return args[0]
    if origin is dict:
        return args[1]
    field = _infos(kind).get(str(part))
    return field.annotation if field is not None else None


def _bare(kind: Any) -> Any:
    """Return `kind` without annotations and without None."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, types.UnionType):
        rest = [a for a in get_args(kind) if a is not types.NoneType]
        return _bare(rest[0]) if len(rest) == 1 else kind
    return kind
