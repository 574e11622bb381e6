"""What the person wishes while a run goes on, done by the engine: lines for the log, rejections, another solution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from acquisition.acceptance import REJECTED, RESTORED

if TYPE_CHECKING:
    from acquisition.bench import Bench
    from acquisition.controls import Asked


def fulfil(bench: Bench, *, between_sweeps: bool) -> None:
    """Do what is wished and can be done now. What cannot be done is said in the log; it never ends a run."""
    for wish in bench.controls.take_wishes(between_sweeps=between_sweeps):
        match wish.kind:
            case "mark" | "note":
                bench.log(wish.kind, wish.text or "mark", asked=wish.asked, by="person")
            case "reject" | "restore":
                _judge(wish, bench)
            case "solution":
                _change_solution(wish, bench)


def _judge(wish: Asked, bench: Bench) -> None:
    """Leave a sweep out of means, or take it back; its samples and numbers stay in the file."""
    sweep = wish.sweep
    if sweep is None or not 0 <= sweep < bench.state.sweeps:
        bench.log("note", f"sweep {sweep} does not exist: nothing is rejected", by="person")
        return
    rejects = wish.kind == "reject"
    (bench.state.left_out.add if rejects else bench.state.left_out.discard)(sweep)
    words = f"sweep {sweep}: {wish.text}" if rejects else f"sweep {sweep} is taken back: {wish.text or 'by the person'}"
    bench.log(REJECTED if rejects else RESTORED, words, sweep=sweep, reason=wish.text, by="person")


def _change_solution(wish: Asked, bench: Bench) -> None:
    if wish.text not in bench.protocol.solutions:
        bench.log("note", f"there is no solution '{wish.text}' in the protocol", by="person")
        return
    bench.log("note", f"the person changes the solution to {bench.protocol.solutions[wish.text].label}", by="person")
    bench.apply(wish.text)
