"""Files to models: every mistake in one pass, each with line, column, caret and cure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from protocols.errors import InvalidFile, Problem
from protocols.explaining import explain
from protocols.linter import lint_protocol
from protocols.marks import START, Finding, Marked, Unreadable, located, read_marked
from protocols.model import Model
from protocols.protocol import Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pydantic_core import ErrorDetails


M = TypeVar("M", bound=Model)

MOST_BYTES = 1_000_000
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def load_protocol(path: Path) -> Protocol:
    """Return the protocol in the file at `path`, or raise `InvalidFile` with every mistake found."""
    return protocol_from_text(read_text(path), str(path))


def protocol_from_text(text: str, name: str) -> Protocol:
    """Return the protocol that `text` is; `name` stands for the file in messages."""
    return load_text(text, name, Protocol, lint_protocol)


def read_text(path: Path) -> str:
    """Return the file's text as it is, without a byte order mark.

    Raises
    ------
    InvalidFile
        There is no such file, or it is not UTF-8 text.
    """
    try:
        size, data = path.stat().st_size, b""
        if size <= MOST_BYTES:
            data = path.read_bytes()
    except OSError as error:
        raise InvalidFile(str(path), "", [Problem(1, 1, _why_not(path, error))]) from error
    if size > MOST_BYTES:
        raise InvalidFile(str(path), "", [Problem(1, 1, f"{size / 1e6:.0f} MB is too much for a protocol or rig file")])
    return _decoded(data, str(path))


def load_text(
    text: str,
    name: str,
    model: type[M],
    lint: Callable[[Any], Iterable[Finding]] | None = None,
    *,
    empty: Callable[[tuple[str | int, ...]], str | None] | None = None,
) -> M:
    """Return the `model` that the YAML `text` describes.

    Parameters
    ----------
    text
        YAML 1.2.
    name
        Stands for the file in messages.
    model
        What it should be.
    lint
        Takes the plain data, whatever its faults, and yields what the model alone cannot see.
    empty
        Takes the path of a key that was left empty, which counts as not given, and returns why it must not be.

    Raises
    ------
    InvalidFile
        With every mistake found, in the order of the text.
    """
    try:
        marked = read_marked(text)
    except Unreadable as error:
        raise InvalidFile(name, text, [error.problem]) from error
    if not isinstance(marked.data, dict):
        raise InvalidFile(name, text, [_not_a_mapping(marked)])
    made, findings = _validated(marked, model)
    problems = [*marked.problems, *(located(f, marked) for f in findings)]
    taken = {(p.line, p.column) for p in problems}
    more = [
        *(lint(marked.data) if lint is not None else ()),
        *(Finding(path, words) for path in marked.empty if empty is not None and (words := empty(path))),
    ]
    problems += [p for f in more if ((p := located(f, marked)).line, p.column) not in taken]
    if made is None or problems:
        raise InvalidFile(name, text, _in_order(problems))
    return made


def _validated(marked: Marked, model: type[M]) -> tuple[M | None, list[Finding]]:
    try:
        return model.model_validate(marked.data, by_alias=True, by_name=False), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [explain(e, model, marked) for e in details if not _is_echo(e, details)]


def _is_echo(error: ErrorDetails, others: Iterable[ErrorDetails]) -> bool:
    """Whether a list is only called too short because its items are wrong, which is said already."""
    depth = len(error["loc"])
    return error["type"] == "too_short" and any(
        len(o["loc"]) > depth and o["loc"][:depth] == error["loc"] for o in others
    )


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems from top to bottom; one that was merged into several mappings is said of the first."""
    distinct: dict[tuple[int, int, str], Problem] = {}
    for p in problems:
        distinct.setdefault((p.line, p.column, p.message), p)
    return sorted(distinct.values(), key=lambda p: (p.line, p.column))


def _not_a_mapping(marked: Marked) -> Problem:
    place = marked.values.get((), START)
    if marked.data is None:
        return Problem(*place, "the file is empty; 'patchrig init' writes examples to start from")
    return Problem(*place, "the file must begin with keys and values, such as 'format: 1'")


def _why_not(path: Path, error: OSError) -> str:
    if path.is_dir():
        return "this is a folder, not a file"
    if isinstance(error, FileNotFoundError):
        near = sorted(p.name for p in path.parent.glob("*.yaml"))[:8] if path.parent.is_dir() else []
        return "there is no such file" + (f"; beside it are {', '.join(near)}" if near else "")
    return f"the file cannot be read: {error.strerror or error}"


def _decoded(data: bytes, name: str) -> str:
    if data[:2] in _UTF16:
        raise InvalidFile(name, "", [Problem(1, 1, "the file is UTF-16 text; save it as UTF-8")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        words = f"byte {error.start} is not UTF-8 text; save the file as UTF-8 (is it a YAML file at all?)"
        raise InvalidFile(name, data.decode("utf-8", "replace"), [Problem(line, 1, words)]) from error
