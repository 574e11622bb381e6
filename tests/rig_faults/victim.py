"""A run in a process of its own, to be killed or stopped.

python -m tests.rig_faults.victim PROTOCOL RIG FOLDER [LEASE]
"""

import sys
from pathlib import Path

from acquisition.guardian import lease
from acquisition.run import Wish, run


def main(protocol, rig, folder, seconds=None):
    if seconds is not None:
        lease.REMOTE_LEASE = float(seconds)
        sys.modules["acquisition.guardian"].REMOTE_LEASE = float(seconds)
    finished, session = run(Wish(Path(protocol), Path(rig), Path(folder), speed=1.0))
    sys.stdout.write(f"{finished.reason}: {finished.text}\n{session}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
