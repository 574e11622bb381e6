"""Values that a person writes as text: how pydantic, editors and error messages meet them."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic_core import PydanticCustomError, core_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

_DASHES = re.compile("[\u2010-\u2015\ufe58\ufe63\uff0d]")
_SPACES = re.compile("[\u00a0\u2007\u2009\u202f]")
_DECIMAL_COMMA = re.compile(r"[0-9],[0-9]")
_LETTERS = str.maketrans({"\u2212": "-", "\u03bc": "\u00b5", "\u2126": "\u03a9", "\u00ba": "\u00b0", "\u2103": "°C"})


def wrong(message: str, *, at: str = "") -> PydanticCustomError:
    """Return a validation error that says `message`, whatever braces it contains.

    `at` names the key inside the value that the mistake sits on, if it is not the value as a whole.
    """
    return PydanticCustomError("ours", "{message}", {"message": message, "at": at})


def tidy(text: str) -> str:
    """Return `text` with its typographic twins replaced: minus, micro, ohm, degree, no-break spaces.

    Raises
    ------
    PydanticCustomError
        A dash that may or may not be meant as a minus, or a comma inside a number: both are asked about, never guessed.
    """
    if dash := _DASHES.search(text):
        raise wrong(f"'{text}' has a dash (U+{ord(dash[0]):04X}) in it; if a minus is meant, type '-'")
    if _DECIMAL_COMMA.search(text):
        raise wrong(f"'{text}' has a comma; decimals take a point, such as '0.5', and thousands take nothing")
    return _SPACES.sub(" ", text.translate(_LETTERS)).strip()


class Written:
    """A value with a text form. A subclass says how it is read and what an editor should know."""

    example: ClassVar[str] = ""

    @classmethod
    @abstractmethod
    def parse(cls, value: object) -> Self:
        """Return the value that `value` (text, or an instance) means, or raise with a cure."""

    @classmethod
    @abstractmethod
    def json_schema(cls) -> Mapping[str, Any]:
        """Return the pattern, and words for people whose editor shows them."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Tell pydantic to read with `parse` and to write with `str`."""
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json")
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the text; `patternErrorMessage` and `defaultSnippets` are read by the YAML language server."""
        return {"type": "string", **cls.json_schema()}


def offered(*texts: str) -> list[dict[str, str]]:
    """Return editor completions for `texts`."""
    return [{"label": t, "body": t} for t in texts]
