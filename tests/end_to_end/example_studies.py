"""The study files of the repository, and the size at which they are tested.

A study file says it itself, in comment lines that hold options of `meander run`:

    # test: --set sweep.width=[6,9] --set realizations=2
"""

import shlex
import tomllib

from conftest import SOURCE, images_file, labels_file

STUDIES = sorted((SOURCE / "studies").rglob("*.toml"))
MARK = "# test:"


def name(path):
    return str(path.relative_to(SOURCE / "studies").with_suffix(""))


def test_options(path, folder):
    """The options under which `path` is tested; data sets of the user's own are replaced by small ones in `folder`."""
    text = path.read_text()
    options = [word for line in text.splitlines() if line.startswith(MARK) for word in shlex.split(line[len(MARK):])]
    assert options, f"{path} has no line that begins with '{MARK}': add one with options that make the study small"
    data = tomllib.loads(text).get("input", {})
    for key, write in (("images", images_file), ("labels", labels_file)):
        if key in data:
            options += ["--set", f'input.{key}="{write(folder / (key + ".gz"))}"']
    return options


test_options.__test__ = False  # no test, whatever its name
