"""One benchmark in this process: `_measure.py NAME OUT` writes its figures to OUT."""

import importlib
import sys
from pathlib import Path

from fieldlab.figure import Figure


def main() -> None:
    """Import the benchmark, measure, and write a line for each figure."""
    name, out = sys.argv[1:]
    measured = importlib.import_module(name).measure()
    figures = [measured] if isinstance(measured, Figure) else list(measured)
    wrong = [figure.name for figure in figures if not figure.name.startswith(name)]
    if wrong:
        sys.exit(f"{name}.py gives {', '.join(wrong)}: a figure's name begins with its module's")
    Path(out).write_text("".join(f"{figure.as_json()}\n" for figure in figures), encoding="utf-8")


if __name__ == "__main__":
    main()
