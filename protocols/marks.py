"""YAML text as plain data, with the line and column of every key and value.

The text is read to YAML's own nodes and converted here, not by the library's constructor: so places survive
aliases and merge keys, all doubled keys are found in one pass, and no tag in a file can make anything but data.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from protocols.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ruamel.yaml.nodes import Node

Path = tuple[str | int, ...]
"""Keys and list positions from the top of the file to a value."""

MOST_VALUES = 20_000
"""A file with more, counting every use of an alias, is a mistake or an attack."""

_TAG = "tag:yaml.org,2002:"
_WORDS = {
    "mapping values are not allowed here": "a second ': ' on this line, or too far right; text with ': ' needs quotes",
    "sequence entries are not allowed here": "a list item cannot begin here: '- ' begins a line of its own",
    "found character '\\t'": "a tab; YAML indents by spaces",
    "found character '>'": "a value cannot begin with '>' here; for a condition write 'above 60 MOhm'",
    "found character '%'": "a value cannot begin with '%'; put the number first, as in '20 %'",
    "found character": "a value cannot begin with this character; put the text in quotes",
    "found undefined alias": "this name was not given to anything above with '&'",
    "expected <block end>": "the indentation does not match the lines above",
    "could not find expected ':'": "a key needs ': ' after it (or the indentation does not match the lines above)",
    "found unexpected end of stream": "the quotes that begin here are never closed",
    "but found another document": "'---' begins a second document; a file holds one",
    "expected ',' or '}'": "the braces are not closed, or a ',' is missing",
    "expected ',' or ']'": "the brackets are not closed, or a ',' is missing",
    "expected the node content": "a value is missing here",
    "expected '<document start>'": "the text does not go on from the lines above; is the indentation right?",
}  # fmt: skip


class Place(NamedTuple):
    """Where something stands, counted from 1."""

    line: int
    column: int


START = Place(1, 1)


@dataclass(frozen=True)
class Finding:
    """Something wrong at a path, before it is known where in the text that is."""

    path: Path
    message: str
    on_key: bool = False
    """Whether the caret belongs under the key and not under its value."""


class Unreadable(Exception):
    """The text is not YAML; `problem` says where it stops to be."""

    def __init__(self, problem: Problem) -> None:
        """Keep the problem."""
        self.problem = problem
        super().__init__(problem.message)


@dataclass
class Marked:
    """What a file says, and where it says it."""

    data: Any = None
    keys: dict[Path, Place] = field(default_factory=dict)
    """Place of the key that leads to a value; list items have none."""
    values: dict[Path, Place] = field(default_factory=dict)
    """Place of the value itself; of the text that an alias stands for, where there is one."""
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path, *, on_key: bool = False) -> Place:
        """Return the place of `path`, or of the nearest key around it.

        A path that goes on inside a plain value means that value: in '- wait: 2 m' the text stands for 'wait.for'.
        """
        for length in range(len(path), -1, -1):
            whole = path[:length]
            on_this_key = on_key or (length < len(path) and not isinstance(self.at(whole), str | int | float))
            first, second = (self.keys, self.values) if on_this_key else (self.values, self.keys)
            if (found := first.get(whole) or second.get(whole)) is not None:
                return found
        return START

    @property
    def empty(self) -> list[Path]:
        """The keys that were left empty (or `null`), which counts as not given."""
        return [path for path in self.keys if self.at(path) is None]

    def at(self, path: Path) -> Any:
        """Return the value at `path`; None if the file does not go that far."""
        value = self.data
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value


def show(path: Path) -> str:
    """Return a path as people read it: 'steps[1].hold.voltage'."""
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path)
    return text.removeprefix(".")


def located(finding: Finding, marked: Marked) -> Problem:
    """Return a finding with its place in the text."""
    return Problem(*marked.place(finding.path, on_key=finding.on_key), finding.message, show(finding.path))


def read_marked(text: str) -> Marked:
    """Return what `text` says, with places.

    A key with an empty value (or `null`) counts as not given, so that it can unset what a merge key brought; its
    place is kept.

    Raises
    ------
    Unreadable
        The text is not YAML, or more than a person would write.
    """
    try:
        node = _composed(text)
        reading = _Reading()
        if node is not None:
            reading.marked.data = reading.value(node, ())
    except MarkedYAMLError as error:
        raise Unreadable(_syntax(error)) from error
    except ReaderError as error:
        raise Unreadable(_character(error, text)) from error
    except RecursionError as error:
        raise Unreadable(Problem(1, 1, "the lists and mappings are nested too deeply to be read")) from error
    except (ValueError, NotImplementedError) as error:
        raise Unreadable(Problem(1, 1, f"this is not a YAML file: {error}")) from error
    return reading.marked


def _composed(text: str) -> Node | None:
    """Return the top node; an anchor that is given again is legal, and the later one counts from there on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReusedAnchorWarning)
        node: Node | None = YAML(typ="safe", pure=True).compose(text)
        return node


def _syntax(error: MarkedYAMLError) -> Problem:
    said = str(error.problem or error.context or "")
    words = next((w for key, w in _WORDS.items() if key in said), said)
    opened = any(key in said for key in ("end of stream", "but got '<stream end>'"))
    mark = (error.context_mark if opened else error.problem_mark) or error.problem_mark or error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark is not None else START
    return Problem(*place, words)


def _character(error: ReaderError, text: str) -> Problem:
    before = text[: error.position].splitlines(keepends=True)
    line, column = (
        (len(before), len(before[-1]) + 1) if before and not before[-1].endswith("\n") else (len(before) + 1, 1)
    )
    code = error.character if isinstance(error.character, int) else ord(error.character[:1] or "\0")
    return Problem(line, column, f"a character that text files do not have (U+{code:04X}); is this a YAML file?")


class _Reading:
    """One pass over the nodes."""

    def __init__(self) -> None:
        self.marked = Marked()
        self._open: list[Node] = []
        self._count = 0

    def value(self, node: Node, path: Path) -> Any:
        """Return what `node` means, noting its place under `path`."""
        self._count += 1
        if self._count > MOST_VALUES:
            raise Unreadable(Problem(*_start(node), f"more than {MOST_VALUES} values; do aliases multiply?"))
        if any(node is n for n in self._open):
            self._problem(node, path, "this alias stands inside what it stands for")
            return None
        self.marked.values[path] = _start(node)
        self._open.append(node)
        try:
            return self._inside(node, path)
        finally:
            self._open.pop()

    def _inside(self, node: Node, path: Path) -> Any:
        match node:
            case MappingNode():
                return self._mapping(node, path)
            case SequenceNode():
                return [self.value(n, (*path, i)) for i, n in enumerate(node.value)]
            case ScalarNode():
                return self._scalar(node, path)
        return None

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, (key_node, value_node) in self._pairs(node, path).items():
            inner = (*path, key)
            self.marked.keys[inner] = _start(key_node)
            value = self.value(value_node, inner)
            if value is not None or (path and isinstance(path[-1], int)):
                out[key] = value
        return out

    def _pairs(self, node: MappingNode, path: Path) -> dict[str, tuple[Node, Node]]:
        """Return the pairs by key, with merged mappings below the mapping's own keys."""
        merged: dict[str, tuple[Node, Node]] = {}
        own: dict[str, tuple[Node, Node]] = {}
        for key_node, value_node in node.value:
            if str(key_node.tag) == _TAG + "merge":
                for source in self._sources(value_node, path):
                    merged = {**self._pairs_within(source, path), **merged}
            elif not isinstance(key_node, ScalarNode):
                self._problem(key_node, path, "a key is one word; a value that begins with '{' or '[' may need quotes")
            elif key_node.value in own:
                first = _start(own[key_node.value][0])
                self._problem(
                    key_node, (*path, key_node.value), f"'{key_node.value}' was given before, on line {first.line}"
                )
            else:
                own[str(key_node.value)] = (key_node, value_node)
        return {**merged, **own}

    def _pairs_within(self, source: MappingNode, path: Path) -> dict[str, tuple[Node, Node]]:
        """Return the pairs of a merged mapping; one that merges itself has none."""
        if any(source is n for n in self._open):
            self._problem(source, path, "this mapping is merged into itself")
            return {}
        self._open.append(source)
        try:
            return self._pairs(source, path)
        finally:
            self._open.pop()

    def _sources(self, node: Node, path: Path) -> Iterator[MappingNode]:
        for source in node.value if isinstance(node, SequenceNode) else [node]:
            if isinstance(source, MappingNode):
                yield source
            else:
                self._problem(source, path, "'<<' takes a mapping, such as '<<: *sweeps'")

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        text = str(node.value)
        match str(node.tag).removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return _number(text, int)
            case "float":
                return _number(text, float)
            case "str" | "timestamp" | "value":
                return text
        self._problem(node, path, f"'{node.tag}' is a tag; this language has none")
        return text

    def _problem(self, node: Node, path: Path, message: str) -> None:
        self.marked.problems.append(Problem(*_start(node), message, show(path)))


def _start(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _number(text: str, kind: type[int] | type[float]) -> int | float | str:
    """Return a number; text that only looks like one (0x1F, 1_000, .nan) stays text, as a person may mean anything."""
    with suppress(ValueError):
        if "_" not in text:
            return kind(text)
    return text
