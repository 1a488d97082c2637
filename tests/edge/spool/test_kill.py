"""kill -9 of a recording process at seeded moments; its ledger is the pipe to this one."""

import random
import subprocess
import sys
import time
from pathlib import Path

from fieldlab.spools import content_of, open_spool

_KILLS = 5
_RECORDER = """
import sys
from pathlib import Path
from fieldlab.spools import content_of, draft_of, open_spool
spool, seed = open_spool(Path(sys.argv[1])), int(sys.argv[2])
for n in range(100_000):
    size = (10, 5_000, 60_000)[n % 3]
    item = spool.add(draft_of(n), content_of(seed * 100_000 + n, size))
    print(item.bundle_id.hex(), seed * 100_000 + n, size, flush=True)
"""


def test_what_was_confirmed_before_kill_9_is_there_byte_for_byte(tmp_path: Path) -> None:
    confirmed: dict[str, tuple[int, int]] = {}
    rng = random.Random(5)
    lab = str(Path(__file__).parents[2] / "lab")
    for seed in range(_KILLS):
        argv = [sys.executable, "-c", _RECORDER, str(tmp_path), str(seed)]
        with subprocess.Popen(
            argv, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": lab}
        ) as recorder:
            assert recorder.stdout is not None
            first = recorder.stdout.readline()
            time.sleep(rng.random() * 0.3)
            recorder.kill()
            lines = [first, *recorder.stdout.read().splitlines()]
        for line in lines:
            if len(fields := line.split()) == 3:
                confirmed[fields[0]] = int(fields[1]), int(fields[2])
    spool = open_spool(tmp_path)
    assert len(confirmed) >= _KILLS
    for bundle_id, (seed, size) in confirmed.items():
        assert spool.read(bytes.fromhex(bundle_id), 0, size + 1) == content_of(seed, size)
    assert spool.verify() == []
    spool.close()
