"""Commands on recordings of other programs: analyse, convert."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acquisition.cli.app import AsJson, Exit, app, give, say

if TYPE_CHECKING:
    from acquisition.foreign.measuring import Findings

SPAN = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*\.\.\s*([0-9]*\.?[0-9]+)\s*")

ForeignFile = Annotated[Path, typer.Argument(metavar="FILE", help="A recording of another program: .abf or .nwb.")]
StepOption = Annotated[
    str | None,
    typer.Option(
        "--step",
        metavar="ON..OFF",
        help="When the current step is, in seconds from the sweep's start, such as 0.1469..0.6469. "
        "Left out, the recorded command says.",
    ),
]
ChannelOption = Annotated[
    int | None, typer.Option("--channel", min=0, help="Input of an ABF file, or kind of sweep of an NWB file.")
]


def _span(text: str | None, option: str, example: str) -> tuple[float, float] | None:
    """Return 'A..B' as two numbers."""
    if text is None:
        return None
    match = SPAN.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"'{text}' is not a range: write {option} {example}")
    return float(match[1]), float(match[2])


@app.command()
def analyse(
    file: ForeignFile,
    step: StepOption = None,
    channel: ChannelOption = None,
    sweeps: Annotated[str | None, typer.Option(metavar="A..B", help="First and last sweep, counted from 0.")] = None,
    target_spikes: Annotated[
        str | None, typer.Option(metavar="N..M", help="Action potentials that a good sweep has, such as 3..4.")
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            help="A measure of your own, as a protocol has it: "
            "'late: {kind: mean, from: 100 ms, to: 200 ms, minus_baseline: no}'. May be given several times."
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="'A .. B'",
            help="Window of the baseline, counted from the step's start, where there is less room before it than "
            "510 ms: '-140 ms .. -10 ms'.",
        ),
    ] = None,
    assume_units: Annotated[
        str | None,
        typer.Option(help="What one number of the signal is, where the file is wrong: mV, or '0.05 mV'."),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="One row a sweep and step, as CSV.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="One row a sweep and step, as Parquet.")] = None,
    json_: AsJson = False,
) -> None:
    """Measure a recording that another program made (ABF, NWB) as patchrig measures its own."""
    from acquisition.foreign import table
    from acquisition.foreign.measuring import measure_file
    from acquisition.foreign.wanted import settings_from

    span = _span(sweeps, "--sweeps", "0..5")
    findings = measure_file(
        file,
        settings_from(target_spikes, measure or (), baseline),
        step=_span(step, "--step", "0.1469..0.6469"),
        channel=channel,
        sweeps=None if span is None else (int(span[0]), int(span[1])),
        assume=assume_units,
    )
    for warning in findings.warnings:
        say(f"warning  {warning}")
    for path, write in ((csv, "write_csv"), (parquet, "write_parquet")):
        if path is not None:
            getattr(table.frame_of(findings), write)(path)
            say(f"wrote {path}")
    if json_:
        give("analyse", **table.as_mapping(findings), csv=csv, parquet=parquet)
    else:
        _show(findings)


def _show(findings: Findings) -> None:
    """Print the table of a recording, with what is to be said of it."""
    from rich.console import Console

    from acquisition.foreign import table

    typer.echo(table.title_of(findings))
    console = Console(highlight=False)
    (console if console.is_terminal else Console(highlight=False, width=170)).print(table.screen_of(findings))
    for line in table.notes_of(findings):
        typer.echo(line)


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An ABF file (pCLAMP).")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Session file to make (.nwb). Default: beside the ABF file.")
    ] = None,
    step: StepOption = None,
    channel: ChannelOption = None,
    subject: Annotated[str, typer.Option(help="Animal's identifier.")] = "unknown",
    cell: Annotated[str, typer.Option(help="Cell's identifier.")] = "cell1",
    species: Annotated[str | None, typer.Option(help="Such as 'Rattus norvegicus'.")] = None,
    strain: Annotated[str | None, typer.Option(help="Such as 'Fischer 344'.")] = None,
    sex: Annotated[str | None, typer.Option(help="male, female, other or unknown.")] = None,
    age: Annotated[str | None, typer.Option(help="Such as '24 months' or '22 .. 26 months'.")] = None,
    region: Annotated[str | None, typer.Option(help="Such as CA1.")] = None,
    json_: AsJson = False,
) -> None:
    """Make a patchrig session of an ABF file: reviewed, verified and exported like one of its own."""
    from acquisition.foreign.converting import convert as make
    from acquisition.foreign.papers import Animal
    from acquisition.reports import seal_words

    if out is not None and out.suffix.lower() != ".nwb" and not out.is_dir():
        raise typer.BadParameter(f"{out}: name a file ending in .nwb, or a folder that exists")
    said = {"species": species, "strain": strain, "sex": sex, "age": age, "region": region}
    animal = Animal(subject, **{name: text for name, text in said.items() if text is not None})
    done = make(file, out=out, step=_span(step, "--step", "0.1469..0.6469"), channel=channel, animal=animal, cell=cell)
    for note in done.notes:
        say(f"note     {note}")
    say(f"session  {done.session} ({seal_words(done.seal)})")
    if json_:
        give(
            "convert",
            ok=done.seal.ok,
            session=done.session,
            sealed=done.seal.ok,
            sweeps=done.sweeps,
            notes=list(done.notes),
        )
    raise typer.Exit(Exit.DONE if done.seal.ok else Exit.FAILED)
