"""Import every module of the installed fieldlink: what the wheel lacks shows here."""

import importlib
import sys
from importlib.metadata import files


def main() -> None:
    """Import them all, or end with the traceback of the first that fails."""
    names = [
        ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for path in files("fieldlink") or ()
        if path.suffix == ".py" and path.parts[0] == "fieldlink"
    ]
    for name in names:
        # Alembic runs its migrations itself, inside a context that it sets up.
        if ".migrations." not in name and not name.endswith(".__main__"):
            importlib.import_module(name)
    if not names:
        sys.exit("fieldlink is not installed, or holds no modules")
    sys.stdout.write(f"{len(names)} modules of fieldlink are in the wheel\n")


if __name__ == "__main__":
    main()
