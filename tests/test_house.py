"""The house rules that no single room can hold: who imports whom, what is packaged, what is where.

Most of these read the source and import nothing.
"""

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldlink.codecs.settings import load_settings

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "codecs": set[str](),
    "systemd": {"codecs"},
    "drone": {"codecs", "systemd"},
    "edge": {"codecs", "systemd", "drone"},
    "relay": {"codecs", "systemd"},
}
TOP = {
    *MAY_IMPORT,
    *("tests", "docs", ".ci", ".gitignore", ".gitattributes", ".git"),
    *("Makefile", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"),
}
# What a codec may not know of: sockets, files, threads, processes, clocks, chance.
IMPURE = {
    *("asyncio", "concurrent", "multiprocessing", "queue", "sched", "select", "selectors"),
    *("os", "io", "pathlib", "shutil", "tempfile", "fcntl", "mmap", "glob", "sqlite3"),
    *("socket", "ssl", "http", "urllib", "subprocess", "signal", "threading", "_thread"),
    *("time", "random", "secrets", "uuid", "logging", "sys"),
    *("anyio", "httpx", "paho", "tenacity", "psutil", "sqlalchemy", "fastapi", "av", "cv2"),
}
MAX_LINES = 350


def sources(*folders: str) -> list[Path]:
    """Every Python file under `folders`."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Each module that `path` names in an import, in full, with its line."""
    package = ("fieldlink", *path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*start, *filter(None, [node.module])])
            # `from fieldlink import edge` names a room as well.
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def settings() -> dict[str, object]:
    """[tool.setuptools] of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: dict[str, object] = project["tool"]["setuptools"]
    return found


def at(path: Path, line: int) -> str:
    """Where something is, for a message."""
    return f"{path.relative_to(ROOT)}:{line}"


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_it_may(room: str) -> None:
    allowed = MAY_IMPORT[room] | {room}
    found = [
        f"{at(path, line)} imports {name}"
        for path in sources(room)
        for line, name in imports(path)
        if name.split(".")[0] == "fieldlink" and name.split(".")[1] not in allowed
    ]
    assert found == []


def test_no_room_is_imported_by_its_bare_name() -> None:
    # From the repository's root `edge` would import as a second copy of fieldlink.edge. `codecs`
    # is the standard library's.
    bare = {"edge", "relay", "drone", "systemd"}
    found = [
        f"{at(path, line)} imports {name}"
        for path in sources(*MAY_IMPORT, "tests")
        for line, name in imports(path)
        if name.split(".")[0] in bare
    ]
    assert found == []


def test_codecs_know_no_sockets_files_threads_clock_or_chance() -> None:
    found = [
        f"{at(path, line)} imports {name}"
        for path in sources("codecs")
        for line, name in imports(path)
        if name.split(".")[0] in IMPURE
    ]
    opened = [
        f"{at(path, node.lineno)} calls {node.func.id}"
        for path in sources("codecs")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"open", "print", "input"}
    ]
    assert found + opened == []


def test_nobody_waits_in_a_way_that_may_swallow_an_end() -> None:
    # Python 3.11's wait_for returns what came in the same moment as a cancellation, and the task
    # goes on for ever; asyncio.timeout does not.
    found = [
        at(path, node.lineno)
        for path in sources(*MAY_IMPORT)
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Attribute)
        and node.attr == "wait_for"
        and isinstance(node.value, ast.Name)
        and node.value.id == "asyncio"
    ]
    assert found == []


def test_every_folder_of_python_files_is_packaged() -> None:
    # An unlisted folder works in an editable installation and is missing from the wheel.
    folders = {
        "fieldlink." + ".".join(path.parent.relative_to(ROOT).parts)
        for path in sources(*MAY_IMPORT)
    }
    assert set(settings()["packages"]) == folders  # type: ignore[call-overload]


def test_every_room_is_mapped_to_its_folder() -> None:
    assert settings()["package-dir"] == {f"fieldlink.{room}": room for room in MAY_IMPORT}


def test_everything_beside_the_code_is_packaged() -> None:
    data = settings()["package-data"]
    assert isinstance(data, dict)
    left_out = [
        str(path.relative_to(ROOT))
        for room in MAY_IMPORT
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"} and not _packaged(path, data)
    ]
    assert left_out == []


def _packaged(path: Path, data: dict[str, list[str]]) -> bool:
    if any(path.match(pattern) for pattern in data.get("*", [])):
        return True
    for package, patterns in data.items():
        folder = ROOT.joinpath(*package.split(".")[1:])
        if package != "*" and any(path in folder.glob(_files(pattern)) for pattern in patterns):
            return True
    return False


def _files(pattern: str) -> str:
    # "page/**" means files at any depth to setuptools, folders only to pathlib before 3.13.
    return f"{pattern}/*" if pattern.endswith("**") else pattern


def test_type_information_is_there_for_every_room() -> None:
    for room in MAY_IMPORT.keys() - {"codecs"}:
        assert (ROOT / room / "py.typed").is_file(), room
        assert (ROOT / room / "__init__.py").is_file(), room
    for codec in {path.parent for path in sources("codecs") if path.parent.parent.name == "codecs"}:
        assert (codec / "py.typed").is_file(), codec.name


def test_codecs_is_a_namespace_without_a_file_of_its_own() -> None:
    # With one, type checkers would take it for the standard library's codecs.
    assert [path.name for path in (ROOT / "codecs").iterdir() if path.is_file()] == []


def test_nothing_lies_about_at_the_top() -> None:
    ignored = {
        line.strip("/*\n")
        for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    }
    found = [
        path.name
        for path in ROOT.iterdir()
        if path.name not in TOP | ignored and not path.name.endswith(".egg-info")
    ]
    assert found == []


def test_no_file_outgrows_its_reader() -> None:
    long = [
        f"{path.relative_to(ROOT)} has {count} lines"
        for path in sources(*MAY_IMPORT, "tests", ".ci")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    ]
    assert long == []


def test_tests_live_where_the_code_does() -> None:
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} <= {*MAY_IMPORT, "lab", "bench", "campaign"}


def test_nothing_is_left_for_later() -> None:
    words = re.compile("TO[D]O|FIX[M]E|XX[X]|NotImplemented[E]rror")  # not found in this file
    found = [
        f"{at(path, number)} says {match[0]}"
        for path in sources(*MAY_IMPORT, "tests")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (match := words.search(line))
    ]
    assert found == []


def test_every_link_between_documents_leads_somewhere() -> None:
    link = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("tests/**/*.md")]
    broken = [
        f"{path.relative_to(ROOT)} -> {target}"
        for path in documents
        for target in link.findall(path.read_text(encoding="utf-8"))
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_every_test_that_a_document_names_is_there() -> None:
    # A name may be cut short by an ellipsis; without one it is a test's, or a file of tests.
    named = re.compile(r"\b(test_\w+)(\.\.\.|…|\*)?")
    sources_ = sources("tests")
    tests = {name for path in sources_ for name in re.findall(r"def (test_\w+)", path.read_text())}
    known = tests | {path.stem for path in sources_}
    missing = [
        f"{path.relative_to(ROOT)} names {name}"
        for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for name, cut in named.findall(path.read_text(encoding="utf-8"))
        if name not in known and not (cut and any(one.startswith(name) for one in tests))
    ]
    assert missing == []


def test_every_place_that_a_table_of_tests_names_is_there() -> None:
    guide = (ROOT / "docs" / "drones.md").read_text(encoding="utf-8")
    table = guide.partition("## What was tested with what")[2]
    places = re.findall(r"`(tests/[\w/.]+)`", table)
    assert places
    assert [place for place in places if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("room", ["edge", "relay"])
def test_the_sample_settings_load_as_they_are(room: str) -> None:
    sample = ROOT / "docs" / f"{room}.sample.toml"
    module = importlib.import_module(f"fieldlink.{room}.config")
    model = getattr(module, f"{room.capitalize()}Settings")
    assert load_settings(model, sample.read_text(encoding="utf-8"), sample.name)
