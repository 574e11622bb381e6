"""What amplifiers whose knobs a person turns make of a protocol: the filter they can have, the bridge, the modes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.amplifiers import TelegraphedOptions
from config.telegraphs import BY_HAND
from protocols.draft import attempt
from protocols.marks import Finding
from protocols.quantities import Frequency
from protocols.steps import SwitchTo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from config.rig import Rig
    from protocols.marks import Path
    from protocols.protocol import Protocol

CORNERS: Mapping[str, tuple[float, ...]] = {
    "axopatch_200b": (1e3, 2e3, 5e3, 10e3, 100e3),
    "axopatch_200a": (1e3, 2e3, 5e3, 10e3, 50e3),
    "axopatch_200": (1e3, 2e3, 5e3, 10e3, 50e3),
}
"""Model -> positions of the output filter's knob, Hz, where they are known: those of drivers/telegraphs.toml."""
WITHOUT_ZERO = ("axopatch_200a", "axopatch_200", "am_2400", "am_2400_newer", "cairn_optopatch")
"""Models in drivers/telegraphs.toml whose mode telegraph has no position for I=0, through which modes are switched."""


def is_by_hand(rig: Rig) -> bool:
    """Return whether a person turns the amplifier's knobs."""
    return rig.amplifier.driver in BY_HAND


def corner_of(protocol: Protocol, rig: Rig) -> Frequency:
    """Return the corner of the output filter that a run of `protocol` on `rig` has.

    The protocol's; where the knob has no such position the next one above, so that the recording has all that the
    protocol asks for. What lies above the knob's last position stays as it is, and `filter_findings` refuses it.
    """
    wanted = protocol.record.low_pass
    above = [corner for corner in _corners(rig) if corner >= wanted]
    return wanted if not above or wanted in above else Frequency(min(above))


def filter_findings(protocol: Protocol, rig: Rig) -> Iterator[Finding]:
    """Find a filter that the knob cannot give: nothing at or above it, or only what the sampling would fold."""
    wanted, corners = protocol.record.low_pass, _corners(rig)
    if not corners:
        return
    has, place = ", ".join(f"{c / 1e3:g}" for c in corners), ("record", "low_pass")
    if wanted > max(corners):
        yield Finding(place, f"the output filter of '{rig.rig}' has {has} kHz; write one of these")
    elif (corner := corner_of(protocol, rig)) != wanted and corner >= protocol.record.sampling / 2:
        words = (
            f"the output filter of '{rig.rig}' has {has} kHz; {corner}, the next above {wanted}, is not below half the "
            f"sampling rate of {protocol.record.sampling}: write a lower position, or sample faster"
        )
        yield Finding(place, words)


def mode_findings(protocol: Protocol, rig: Rig) -> Iterator[Finding]:
    """Find switches of the mode that the amplifier's telegraph could not confirm; every run begins in voltage clamp."""
    model, told = _model(rig), _options(rig)
    if model not in WITHOUT_ZERO or told is None or told.mode is None:
        return
    words = (
        f"'{rig.rig}' cannot switch modes: no position for I=0 is known of the mode telegraph of '{model}', and modes "
        "are switched through it; write a protocol in voltage clamp alone, or 'mode: none' in the rig file and confirm "
        "each mode yourself"
    )
    for place, step in _switches(protocol):
        if step.clamp == "current":
            yield Finding(place, words, on_key=True)


def notes(protocol: Protocol, rig: Rig) -> Iterator[str]:
    """Yield what the person will have to turn, one sentence each."""
    if not is_by_hand(rig):
        return
    yield f"the amplifier's knobs are turned by hand: set the output filter to {corner_of(protocol, rig)}{_how(rig)}"
    if words := substitution(protocol, rig):
        yield words
    if any(step.clamp == "current" and step.bridge == "auto" for _, step in _switches(protocol)):
        yield (
            "'bridge: auto': no program can balance this bridge; you will be asked to, and its value is not recorded "
            "(write 'bridge: 12 MOhm' to be asked for that, and have it recorded)"
        )


def substitution(protocol: Protocol, rig: Rig) -> str:
    """Return in words that the filter is another than the protocol's; empty if it is not."""
    wanted, corner = protocol.record.low_pass, corner_of(protocol, rig)
    if corner == wanted:
        return ""
    return (
        f"the protocol asks for a low-pass of {wanted}, which the amplifier's knob has not; the next above is taken: "
        f"{corner}, and the session says so"
    )


def _how(rig: Rig) -> str:
    options = _options(rig)
    is_read = _corners(rig) and options is not None and options.frequency is not None
    return "; the telegraph confirms it" if is_read else "; nothing telegraphs it, so you will be asked"


def _switches(protocol: Protocol) -> Iterator[tuple[Path, SwitchTo]]:
    for part, steps in (("steps", protocol.steps), ("finish", protocol.finish)):
        for i, step in enumerate(steps):
            if isinstance(step, SwitchTo):
                yield (part, i, step.verb), step


def _model(rig: Rig) -> str | None:
    """Return which amplifier with knobs it is; None if it is another kind."""
    driver = rig.amplifier.driver
    return str(rig.amplifier.options.get("model") or BY_HAND[driver]) if driver in BY_HAND else None


def _options(rig: Rig) -> TelegraphedOptions | None:
    return attempt(TelegraphedOptions, dict(rig.amplifier.options)) if is_by_hand(rig) else None


def _corners(rig: Rig) -> tuple[float, ...]:
    """Return the positions of the filter's knob; none where they are not known, or another filter is declared."""
    options = _options(rig)
    if options is None or (options.frequency is None and options.low_pass is not None):
        return ()
    return CORNERS.get(_model(rig) or "", ())
