"""What a program loads comes from where its build or its installation says, never from where the user happens to stand.

run_paths.py BUILD [CMAKE]: every program and library of the build folder, and those that CMAKE installs from it into a
folder of its own, has absolute run paths or such that begin with $ORIGIN. An empty entry, which a ':' at the beginning or
the end makes, and a relative one mean the working directory. That is then tried: the program starts in a folder where all
its libraries lie as files that are none.
"""

import pathlib
import re
import subprocess
import sys
import tempfile


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def targets(folder):
    """Programs and shared libraries; object files and archives are none, nor is what a compiler was tried with."""
    for path in sorted(folder.rglob("*")):
        tried = "CMakeFiles" in path.parts or "Testing" in path.parts
        if path.is_file() and not path.is_symlink() and not tried and path.suffix not in (".o", ".a", ".gch") and is_elf(path):
            yield path


def dynamic(path):
    """The entries of the dynamic section, by tag."""
    listed = subprocess.run(["readelf", "-d", "-W", path], capture_output=True, text=True, check=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    return re.findall(r"\((\w+)\)\s.*\[(.*)\]", listed.stdout)


def problems(path):
    for tag, value in dynamic(path):
        if tag in ("RUNPATH", "RPATH"):
            for entry in value.split(":"):
                if not re.match(r"/|\$ORIGIN(/|$)|\$\{ORIGIN\}(/|$)", entry):
                    yield f"{path}: {tag} [{value}] has the entry '{entry}' (it means the working directory)"


def tried(program, folder):
    """Where the working directory is searched, the program ends with the loader's words."""
    for tag, name in dynamic(program):
        if tag == "NEEDED":
            (folder / name).write_text("no library\n")
    done = subprocess.run([program, "--version"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        yield f"{program}: does not start where files with its libraries' names lie ({done.stderr.strip()})"


def modules_tried(plot, folder):
    """Python modules likewise."""
    for name in ("argparse", "numpy", "meander", "xarray"):
        (folder / f"{name}.py").write_text("raise SystemExit('taken from the working directory')\n")
    done = subprocess.run([plot, "--help"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        yield f"{plot}: does not start where modules of other content lie ({done.stderr.strip()})"


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    found = list(targets(build))
    mistakes = [text for path in found for text in problems(path)]
    if build / "meander" not in found:
        mistakes.append(f"{build}: holds no meander")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        programs = [build / "meander"]
        if len(sys.argv) > 2:
            subprocess.run([sys.argv[2], "--install", build, "--prefix", scratch / "installed"], check=True, capture_output=True)
            installed = list(targets(scratch / "installed"))
            mistakes += [text for path in installed for text in problems(path)]
            programs.append(scratch / "installed" / "bin" / "meander")
            found += installed
        for i, program in enumerate(programs):
            (scratch / str(i)).mkdir()
            mistakes += tried(program, scratch / str(i))
            if i == 0 and (build / "meander-plot").exists():
                mistakes += modules_tried(build / "meander-plot", scratch / str(i))
    print("\n".join(mistakes) if mistakes else f"{len(found)} programs and libraries: no run path depends on the working directory")
    sys.exit(1 if mistakes else 0)


main()
