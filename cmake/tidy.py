"""Runs clang-tidy over source files, two at a time; fails where one is not clean.

tidy.py SOURCE BUILD [--all]: reads what differs from where this branch left `main` and what git does not know yet, a header
through a file that includes it; with --all, everything. GCC wrote BUILD/compile_commands.json: clang-tidy gets a copy without
the options that clang refuses.
"""

import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys

REFUSED = re.compile(r" (-fschedule-insns|-fsched-pressure)(?= )")


def changed_files(source):
    def git(*arguments):
        result = subprocess.run(["git", "-C", source, *arguments], capture_output=True, text=True)
        return result.stdout.splitlines() if result.returncode == 0 else []

    base = git("merge-base", "HEAD", "main") or git("rev-parse", "HEAD")
    if not base:
        sys.exit("tidy: this is no git checkout, so nothing tells what changed; configure with -DMEANDER_TIDY_ALL=ON")
    return {*git("diff", "--name-only", "--relative", base[0]), *git("ls-files", "--others", "--exclude-standard")}


def seen_through(header, sources, source):
    """A file that shows the header to clang-tidy: its own, else the first that includes it; headers alone show nothing."""
    own = header.removesuffix(".hpp") + ".cpp"
    if own in sources:
        return own
    line = f'#include "{header}"'
    return next((name for name in sources if line in (source / name).read_text()), None)


def main(source, build, everything):
    commands = json.loads((build / "compile_commands.json").read_text())
    for command in commands:
        command["command"] = REFUSED.sub("", command["command"])
    folder = build / "tidy"
    folder.mkdir(exist_ok=True)
    (folder / "compile_commands.json").write_text(json.dumps(commands))
    names = (pathlib.Path(command["file"]) for command in commands)
    sources = sorted({str(name.relative_to(source)) for name in names if name.is_relative_to(source) and not name.is_relative_to(build)})
    chosen = sources
    if not everything:
        changed = changed_files(source)
        chosen = sorted({*changed.intersection(sources),
                         *(seen_through(name, sources, source) for name in changed if name.endswith(".hpp") and (source / name).exists())} - {None})

    def tidy(name):
        result = subprocess.run(["clang-tidy", "-p", folder, "--quiet", source / name], capture_output=True, text=True)
        print(result.stdout, end="", flush=True)
        if result.returncode and not result.stdout:
            print(f"{name}: {result.stderr}", flush=True)
        return result.returncode == 0

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        clean = sum(pool.map(tidy, chosen))
    print(f"clang-tidy: {clean} of {len(chosen)} files are clean")
    return 0 if clean == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), "--all" in sys.argv[3:]))
