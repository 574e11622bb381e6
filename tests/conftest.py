"""Options of the whole suite."""

import os


def pytest_configure():
    os.environ.setdefault("PATCHRIG_NO_PRECEDENCE", "1")  # runs of tests are nobody's cells


def pytest_addoption(parser):
    rig = parser.getgroup("rig", "a rig of metal")
    rig.addoption("--rig", metavar="FILE", help="run tests/rig on the devices of this rig file, a model cell attached")
    rig.addoption("--loop", metavar="INPUT", help="name of the analogue input that is wired to the command output")
