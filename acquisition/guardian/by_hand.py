"""A rig put to rest because a person says so (`patchrig safe`): a guardian's work, without a run."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from acquisition.guardian.claim import claimed, owner_of
from acquisition.guardian.watch import SOON, Known, end_process, rest
from acquisition.register import entries, forget_dead, is_on
from protocols.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from acquisition.guardian.claim import Owner
    from acquisition.guardian.telling import Told
    from config.rig import Rig

log = logging.getLogger(__name__)


def rest_by_hand(file: Path, rig: Rig, *, force: bool = False) -> tuple[list[str], tuple[Told, ...]]:
    """Put the rig of `file` to rest as far as possible; return what could not be done, and how each device was left.

    A guardian that still tries after the end of its run is ended once this has succeeded: nothing is left for it to
    do, and it may have a rig file with which it never could.

    Raises
    ------
    Refused
        A run that lives has the rig, and `force` is not given. Nothing was opened.
    """
    owner = _owner(rig)
    if not force:
        _refuse_beside_a_run(file, rig, owner)
    known = Known(by_force=force)
    if owner is None:
        with _kept_from_others(rig):
            left = _rest(rig, known)
    else:
        left = _rest(rig, known)
        if not left and owner.over:
            left = _take_over(rig, known, owner)
    if not left:
        forget_dead(file)
    return left, known.told


def _rest(rig: Rig, known: Known) -> list[str]:
    return rest(rig, known, SOON, lambda left: log.info("still trying: %s", "; ".join(left)))


def _take_over(rig: Rig, known: Known, owner: Owner) -> list[str]:
    """End a guardian, and put the rig to rest once more: it may have acted after us, with a rig file of its own."""
    if _owner(rig) == owner:  # it holds its claim, so it lives and the number is its own
        log.warning("the guardian (process %s) is ended: the rig is at rest without it", owner.guardian)
        end_process(owner.guardian)
    with _kept_from_others(rig):
        return _rest(rig, known)


def _refuse_beside_a_run(file: Path, rig: Rig, owner: Owner | None) -> None:
    force = "to act all the same: patchrig safe --force"
    for entry in entries():
        if entry.lives and entry.holds and is_on(entry, file):
            who = f"{entry.session.name} is being recorded on it (process {entry.pid})"
            cure = f"Ctrl-C in its window puts the rig to rest; so does its guardian when process {entry.pid} is ended"
            raise Refused(f"{rig.rig}: {who}. {cure}; {force}")
    if owner is not None and not owner.over:
        raise Refused(f"{rig.rig} is taken: {owner.words()}; {force}")


def _owner(rig: Rig) -> Owner | None:
    try:
        return owner_of(rig)
    except OSError as error:
        log.warning("nobody can say whether another has the rig: %s", error)
        return None


@contextmanager
def _kept_from_others(rig: Rig) -> Iterator[None]:
    """Claim the rig; a claim that cannot be written keeps no rig from coming to rest."""
    with ExitStack() as claim:
        try:
            claim.enter_context(claimed(rig, os.getpid()))
        except OSError as error:
            log.warning("others could take the rig meanwhile: %s", error)
        yield
