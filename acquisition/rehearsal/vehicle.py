"""The vehicle arm: the same protocol with nothing in its solutions that the first one has not."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML

from protocols.loading import load_text
from protocols.marks import read_marked
from protocols.protocol import Protocol

VEHICLE = "vehicle of "


def has_compound(protocol: Protocol) -> bool:
    """Return whether a later solution has something that the first, the control, has not."""
    first, *later = [s.compound for s in protocol.solutions.values()] or [None]
    return any(c is not None and c != first for c in later)


def vehicle_text(text: str) -> str:
    """Return the text of the protocol in which each solution has the compound of the first one, or none.

    Steps, times, valves and labels stay, but a solution that lost its compound is called 'vehicle of ...', and so is
    the protocol.

    Parameters
    ----------
    text
        A protocol that loads.
    """
    data: dict[str, Any] = read_marked(text).data
    solutions: dict[str, dict[str, Any]] = data.get("solutions") or {}
    first = next(iter(solutions.values()), {}).get("compound")
    for solution in solutions.values():
        if solution.get("compound") not in (None, first):
            solution["label"] = f"{VEHICLE}{solution['label']}"
            del solution["compound"]
            solution.update({"compound": first} if first else {})
    data["protocol"] = f"{VEHICLE}{data['protocol']}"
    made = io.StringIO()
    yaml = YAML()
    yaml.width = 10_000  # a long text on one line: nobody edits this
    yaml.dump(data, made)
    load_text(made.getvalue(), "the vehicle arm's protocol", Protocol)
    return made.getvalue()
