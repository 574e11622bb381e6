"""What the manual takes from the code is what the code says now."""

import re
import subprocess
import sys

from tests.kit import ROOT


def test_schemas_and_tables_in_the_manual_are_up_to_date():
    done = subprocess.run(
        [sys.executable, "scripts/make_reference.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_link_in_the_manual_leads_somewhere():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    links = [(p, m) for p in pages for m in re.findall(r"\]\(([^)#]+)\)", p.read_text(encoding="utf-8"))]
    broken = [f"{p.name}: {m}" for p, m in links if "://" not in m and not (p.parent / m).exists()]
    assert not broken


ROOMS = r"(?:acquisition|benchmarks|config|demo|docs|drivers|protocols|rigs|schemas|scripts|tests)"
PATH = re.compile(rf"(?<![\w./-])(?:\./)?({ROOMS}/[\w./-]*\w)")
THE_READERS_OWN = {"protocols/mine.yaml", "rigs/mine.yaml"}
"""Stand for files that the reader has written."""


def test_every_file_that_a_page_names_is_in_the_repository_or_in_a_new_folder(tmp_path):
    from acquisition.project_folder import fill

    fill(tmp_path)
    wrong = []
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        named = set(PATH.findall(page.read_text(encoding="utf-8"))) - THE_READERS_OWN
        wrong += [f"{page.name}: {p}" for p in named if not (ROOT / p).exists() and not (tmp_path / p).exists()]
        lines = {p for p in named if p.endswith(".yaml")}  # what commands are given: from one folder, or they fail
        if not any(all((root / p).exists() for p in lines) for root in (ROOT, tmp_path)):
            wrong.append(f"{page.name}: some in the repository, some in a folder of 'patchrig init': {sorted(lines)}")
    assert not wrong
