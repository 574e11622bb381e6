"""The rig screen: the rig file in words, what a run shows of it, and doctor's lines."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from acquisition.doctor.finding import Section, bad, ok
from acquisition.doctor.kept import keep, last
from acquisition.page.rig.facts import facts
from acquisition.register import registered
from config.loading import load_rig
from tests.kit import ROOT
from tests.page.conftest import HOLD, SERIES, TO_CURRENT
from tests.page.desk import shown
from tests.page.layout import laid_out_wrongly


def test_a_channel_is_told_in_what_a_volt_means_in_each_mode():
    axopatch = facts(load_rig(ROOT / "config" / "rigs" / "ni_axopatch.yaml"))
    primary, _, command = axopatch["channels"]
    assert primary["means"]["voltage clamp"] == {"unit": "A", "per_volt": 1e-10, "full": 1e-9}
    assert primary["means"]["current clamp"] == {"unit": "V", "per_volt": 0.1, "full": 1.0}
    assert (command["pin"], command["means"]["current clamp"]["per_volt"]) == ("ao0", 2e-9)
    assert [(o["name"], o["pin"]) for o in axopatch["others"]][:2] == [("gain", "ai2"), ("mode", "ai3")]


def test_what_doctor_said_is_kept_by_rig_file_until_it_looks_again(tmp_path):
    rig = tmp_path / "rig.yaml"
    rig.write_text("rig: mine")
    assert last(rig, tmp_path) is None
    keep(rig, [Section("Rig", (bad("amplifier", "silent", "switch it on"),))], tmp_path)
    keep(rig, [Section("Rig", (ok("amplifier", "answers"),))], tmp_path)
    kept = last(rig, tmp_path)
    assert [f["found"] for f in kept.findings] == ["answers"]
    assert last(tmp_path / "another.yaml", tmp_path) is None


@pytest.fixture(scope="module")
def desk(browser, tmp_path_factory):
    with shown(browser, tmp_path_factory.mktemp("project"), "--rig", "rigs/simulated.yaml") as desk:
        yield desk


def test_the_rig_is_told_in_words_and_doctor_looks_at_it_by_a_key(desk):
    screen = desk.open("rig")
    assert screen.waits_for("rig-name", "slice rig") == "Simulated slice rig"
    rows = screen.page.locator('[data-name="channels"] tr')
    first = " ".join(rows.nth(0).inner_text().split())
    assert first == "→ primary ai0 ±10 V 1 nA/V ±10 nA 20 mV/V ±200 mV – –"
    assert "−120 mV to 60 mV" in screen.text("limits")
    assert "hold −70 mV" in screen.text("safe")
    assert "45 s from the valve to the bath" in screen.text("dead-time")
    assert screen.text("doctor-when") == "has not looked at this rig yet"
    screen.press("d")
    screen.waits_for("findings", "fits the rig file")
    assert "looked 20" in screen.text("doctor-when")
    assert screen.page.locator('[data-name="findings"] li[data-state="ok"]').count() > 5
    assert list(laid_out_wrongly(screen.page)) == []
    assert screen.trouble == []
    screen.close()


def test_a_rig_opened_as_its_run_died_says_one_thing(desk):
    where, rig = desk.folder / "state" / "patchrig" / "running", desk.folder / "rigs" / "simulated.yaml"
    with registered(rig, "simulated", desk.folder / "dying.nwb", SimpleNamespace(all=()), where):
        screen = desk.open("rig")
        screen.waits_for("why-not", "dying.nwb is running on this rig")
        assert "dying.nwb goes on" in screen.waits_for("run-state", "dying")
        assert screen.page.locator('[data-act="doctor"]').is_disabled()
    screen.waits_for("run-state", "no run goes on")
    screen.page.locator('[data-name="why-not"]').wait_for(state="hidden")
    assert screen.page.locator('[data-act="doctor"]').is_enabled()
    screen.close()


def test_a_run_shows_its_rig_and_its_protocol_and_doctor_leaves_it_alone(rehearse):
    run = rehearse(HOLD, TO_CURRENT, SERIES, speed=25)
    screen = run.open(run.link.replace("/run?", "/rig?"))
    assert re.fullmatch(r"−\d\d\.\d mV", screen.waits_for("now-primary", "mV"))
    assert "current clamp · primary 50 mV/mV" in screen.text("verified")
    assert "simulated devices end with the run" in screen.text("guardian")
    assert screen.text("line-control") == "ACSF"
    assert re.match(r"\d\d\.\d °C", screen.text("temperature"))
    assert "is running on this rig" in screen.waits_for("why-not", "running")
    assert screen.page.locator('[data-act="doctor"]').is_disabled()
    refused = screen.page.evaluate("() => fetch('/api/rig/doctor', {method: 'POST', body: '{}'}).then((r) => r.status)")
    assert refused == 409
    screen.page.goto(run.link.split("/run?")[0] + "/protocol")
    screen.waits_for("read-only", "the text as it was run")
    screen.page.locator('[data-name="steps"] tr[data-state="now"]', has_text="series").wait_for()
    saved = screen.page.evaluate(
        """async () => {
            const [, mine] = (await (await fetch("/api/protocol/files")).json()).protocols;
            const address = `/api/protocol/file?file=${encodeURIComponent(mine.id)}`;
            const { version, text, read_only } = await (await fetch(address)).json();
            const body = JSON.stringify({ file: mine.id, version, text: text + "# more" });
            return [mine.title, read_only, (await fetch("/api/protocol/save", { method: "POST", body })).status];
        }"""
    )
    assert saved[0] == "protocol.yaml"
    assert "is running from this file" in saved[1]
    assert saved[2] == 409
    assert [t for t in screen.trouble if "409" not in t] == []
    screen.close()
