"""Run the benchmarks, each in a process of its own: `python tests/bench [NAME-PREFIX]`.

Standard output carries one line of JSON for each figure; what a person reads goes to standard
error. The exit status is 1 only if a benchmark failed to run: a missed goal says "ok": false.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
LAB = HERE.parent / "lab"


def main() -> int:
    """Run the benchmarks whose names begin with the argument, all without one."""
    prefix = sys.argv[1] if len(sys.argv) > 1 else ""
    names = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    # A module may give several figures, called after it: "cameras" also gives "cameras_lag".
    chosen = [name for name in names if name.startswith(prefix) or prefix.startswith(name)]
    if not chosen:
        say(f"no benchmark begins with {prefix!r}; there are {', '.join(names)}")
        return 1
    failed, figures = [], []
    for name in chosen:
        say(f"{name} ...")
        lines = run(name)
        if lines is None:
            failed.append(name)
            continue
        for line in lines:
            figure = json.loads(line)
            if figure["name"].startswith(prefix):
                print(line, flush=True)
                figures.append(figure)
    say(summary(figures, failed))
    return 1 if failed else 0


def run(name: str) -> list[str] | None:
    """The lines that benchmark `name` gives, None if it fails; its chatter goes to stderr."""
    with tempfile.TemporaryDirectory(prefix="fieldlink-bench-") as folder:
        out = Path(folder, "figures")
        path = os.pathsep.join(filter(None, [str(LAB), os.environ.get("PYTHONPATH")]))
        done = subprocess.run(
            [sys.executable, str(HERE / "_measure.py"), name, str(out)],
            env={**os.environ, "PYTHONPATH": path},
            stdout=sys.stderr.fileno(),
            check=False,
        )
        return out.read_text().splitlines() if done.returncode == 0 else None


def summary(figures: list[dict[str, object]], failed: list[str]) -> str:
    """One line for a person."""
    missed = [str(figure["name"]) for figure in figures if not figure["ok"]]
    parts = [f"{len(figures) - len(missed)} of {len(figures)} goals met"]
    parts += [f"missed: {', '.join(missed)}"] if missed else []
    parts += [f"failed to run: {', '.join(failed)}"] if failed else []
    return "; ".join(parts)


def say(text: str) -> None:
    """A line for a person."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
