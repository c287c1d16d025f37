"""The package's rooms: arrows run one way, and nobody reaches for another module's underscored names."""

import ast
import pathlib

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "analysis" / "meander"
MODULES = sorted(PACKAGE.rglob("*.py"))
# A module may import its own room and those above it.
FLOORS = ["meander.terminal", "meander.archive", "meander.statistics", "meander.figures.base", "meander.figures", "meander.plot",
          "meander.__main__"]


def name_of(path):
    parts = ("meander", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree):
    """For each name of meander that a module imports: what it is called here, and what it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name, alias.name) for alias in node.names if alias.name.split(".")[0] == "meander")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their module in full"
            if node.module.split(".")[0] == "meander":
                yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def foreign_underscores(source):
    tree = ast.parse(source)
    names = dict(imported(tree))
    found = [whole for whole in names.values() if any(part.startswith("_") and not part.startswith("__") for part in whole.split("."))]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            owner = ast.unparse(node.value)
            if owner in names or owner.split(".")[0] in names and owner.startswith("meander"):
                found.append(f"{owner}.{node.attr}")
    return found


def floor(module):
    return next((i for i, room in reversed(list(enumerate(FLOORS))) if module == room or module.startswith(room + ".")
                 and not (room == "meander.figures" and module.startswith("meander.figures.base"))), None)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_uses_anothers_underscored_names(path):
    assert foreign_underscores(path.read_text()) == []


@pytest.mark.parametrize("path", [path for path in MODULES if name_of(path) != "meander"], ids=name_of)
def test_arrows_run_one_way(path):
    own = floor(name_of(path))
    assert own is not None, "a module without a room: give it one in FLOORS"
    below = [whole for _, whole in imported(ast.parse(path.read_text())) if (floor(whole) or 0) > own]
    assert below == []


@pytest.mark.parametrize("source", [
    "from meander.figures.base import series\nseries._label('x')",
    "from meander.statistics.growth import _chain",
    "import meander.plot\nmeander.plot._pairs('')",
    "import meander.plot as p\np._pairs('')",
])
def test_an_underscored_name_is_seen(source):
    assert foreign_underscores(source)
