"""Carries what a run says to its guardian, in a thread of its own: the run never waits for it.

A guardian that dies is replaced, and the new one is told all that lasts.
"""

from __future__ import annotations

import json
import logging
import queue
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from acquisition.session.verification import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

log = logging.getLogger(__name__)

START = 60.0
"""Seconds a guardian may take to load its drivers."""
LENGTH = 256
"""Messages under way; a guardian that does not hear them is as good as dead."""
GLANCE = 0.5
"""Seconds between looks whether the guardian lives."""
LIVES = 5
"""Guardians that are started for one run; one after another dying has a reason that another will not mend."""
LASTING = ("gains", "lease", "rested")
"""Messages of which the latest holds until the next."""
NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""On Windows, a console of its own: closing the terminal's window ends all that is attached to it."""


class Voice:
    """The way to a guardian process and back."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start nothing yet."""
        self._command = list(command)
        self._messages: queue.Queue[Mapping[str, Any] | None] = queue.Queue(LENGTH)
        self._answers: queue.Queue[str] = queue.Queue(LENGTH)
        self._news: queue.Queue[str] = queue.Queue(LENGTH)
        self._lasting: dict[str, Mapping[str, Any]] = {}
        self._process: subprocess.Popen[str] | None = None
        self._lives = LIVES
        self._thread = threading.Thread(target=self._speak, name="guardian", daemon=True)

    @property
    def is_heard(self) -> bool:
        """Whether there is a guardian, as far as is known."""
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """The guardian's process number."""
        return self._process.pid if self._process is not None else None

    def start(self) -> str:
        """Start the guardian; return its first word, '' if there came none."""
        self._process, first = self._launched()
        if first == "ready":
            self._thread.start()
        return first

    def say(self, message: Mapping[str, Any]) -> None:
        """Say something and return at once."""
        try:
            self._messages.put_nowait(message)
        except queue.Full:
            self._end_process()  # it is stopped or hangs; the thread starts another

    def answer(self, within: float) -> dict[str, Any] | None:
        """Return what the guardian has to say in return; None if it says nothing within so many seconds."""
        try:
            told = json.loads(self._answers.get(timeout=within))
        except (queue.Empty, ValueError):
            return None
        return told if isinstance(told, dict) else None

    def news(self) -> list[str]:
        """Return what became of guardians since this was last asked, in words."""
        told = []
        with suppress(queue.Empty):
            while True:
                told.append(self._news.get_nowait())
        return told

    def close(self, within: float) -> bool:
        """Let the guardian hear that there is no more to come; return whether it ended within so many seconds."""
        if self._thread.is_alive():
            with suppress(queue.Full):
                self._messages.put(None, timeout=within)
            self._thread.join(within)
        process = self._process
        if process is None:
            return True
        _close_ears(process)
        try:
            process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    # --- in the thread --------------------------------------------------------------------------------------

    def _speak(self) -> None:
        while (message := self._next()) is not None:
            for kind in LASTING:
                if kind in message:
                    self._lasting[kind] = message
            if message and not self._tell(message):
                self._replace()
        if self._process is not None:
            _close_ears(self._process)

    def _next(self) -> Mapping[str, Any] | None:
        """Return what is to be said next; nothing ({}) now and then, to see whether the guardian lives."""
        try:
            return self._messages.get(timeout=GLANCE)
        except queue.Empty:
            if self._process is not None and self._process.poll() is not None:
                self._replace()
            return {}

    def _tell(self, message: Mapping[str, Any]) -> bool:
        """Return whether somebody may have heard; that nobody is there at all has been told before."""
        process = self._process
        if process is None or process.stdin is None:
            return True
        try:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def _replace(self) -> None:
        """Start another guardian and tell it what the dead one knew."""
        self._end_process()
        first = ""
        while self._lives and first != "ready":
            self._process, first = self._launched()
        if first != "ready":
            self._end_process()
            self._process = None
            self._note("the guardian has died: nothing would put the rig to rest if this process died, too")
            return
        for message in self._lasting.values():
            self._tell(message)
        self._note("the guardian died; another has taken its place")

    def _note(self, words: str) -> None:
        log.warning("%s", words)
        with suppress(queue.Full):
            self._news.put_nowait(words)

    # --- the process ----------------------------------------------------------------------------------------

    def _launched(self) -> tuple[subprocess.Popen[str], str]:
        """Start a guardian; return it and its first word."""
        self._lives -= 1
        process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=environment(),
            start_new_session=True,
            creationflags=NO_WINDOW,
        )
        patience = threading.Timer(START, process.kill)
        patience.start()
        first = process.stdout.readline().strip() if process.stdout else ""
        patience.cancel()
        threading.Thread(target=self._listen, args=(process,), name="guardian's answers", daemon=True).start()
        return process, first

    def _listen(self, process: subprocess.Popen[str]) -> None:
        with suppress(OSError, ValueError, queue.Full):
            for line in process.stdout or ():
                self._answers.put_nowait(line)

    def _end_process(self) -> None:
        if self._process is not None:
            with suppress(OSError):
                self._process.kill()


def _close_ears(process: subprocess.Popen[str]) -> None:
    """Close the guardian's standard input: nothing more will come."""
    with suppress(OSError, ValueError):
        if process.stdin is not None:
            process.stdin.close()
