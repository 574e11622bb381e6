"""What the manual takes from the code is what the code says now."""

import subprocess
import sys

from tests.kit import ROOT


def test_schemas_and_tables_in_the_manual_are_up_to_date():
    done = subprocess.run(
        [sys.executable, "scripts/make_reference.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_link_in_the_manual_leads_somewhere():
    import re

    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    links = [(p, m) for p in pages for m in re.findall(r"\]\(([^)#]+)\)", p.read_text(encoding="utf-8"))]
    broken = [f"{p.name}: {m}" for p, m in links if "://" not in m and not (p.parent / m).exists()]
    assert not broken
