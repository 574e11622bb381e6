"""What all of our models are: frozen, closed to unknown keys, documented by the text under each field."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema


class Model(BaseModel):
    """A piece of a protocol or rig file."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, validate_by_name=True, validate_by_alias=True
    )


PATTERN_WORDS = "patternErrorMessage"
"""Key of a field's schema for what to write when its pattern does not match; the YAML language server reads it too."""

NAME = r"^[A-Za-z][A-Za-z0-9_]*$"

Name = Annotated[str, Field(pattern=NAME, examples=["baseline"])]
"""A name used elsewhere in the file: letters, digits and underscores."""

YesNo = Annotated[bool, WithJsonSchema({"anyOf": [{"type": "boolean"}, {"enum": ["yes", "no"]}]})]
"""'yes' and 'no' are text in YAML 1.2, and people write them."""
