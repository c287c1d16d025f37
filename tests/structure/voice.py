"""Fails where a source writes to a standard stream by itself, past pipeline/values/terminal.hpp.

voice.py SOURCE: whatever writes there by itself may throw or be killed where nobody listens, and prints what steers a terminal.
"""

import pathlib
import re
import sys

FOLDERS = ("kernels", "pipeline", "slurm", "studies")
# The place itself; and the handler of crashes, which may call nothing that allocates.
OWN = {"pipeline/values/terminal.cpp", "pipeline/machine/crash_report.cpp"}
PAST = re.compile(r"\bfmt::print\b|\bstd::(cout|cerr|clog|puts|printf|perror)\b|\b(std::)?v?fprintf\s*\(\s*std(err|out)\b"
                  r"|(?<![\w:])(puts|printf|perror)\s*\(|\bfputs\s*\([^;]*\bstd(err|out)\b|\b(stdout|stderr)(_color)?_sinks?\b"
                  r"|\b(write|dprintf|send)\s*\(\s*STD(OUT|ERR)_FILENO\b")


def code(text):
    """Without comments and strings."""
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', "", text, flags=re.DOTALL)


def main(source):
    paths = [source / "main.cpp", *(path for folder in FOLDERS for path in sorted((source / folder).rglob("*.[ch]pp")))]
    problems = []
    for path in paths:
        name = path.relative_to(source).as_posix()
        if name in OWN:
            continue
        for number, line in enumerate(code(path.read_text()).splitlines(), 1):
            if PAST.search(line):
                problems.append(f"{name}:{number}: writes to a standard stream by itself; print_error and print_output "
                                f"(pipeline/values/printing.hpp) do: {line.strip()}")
    print("\n".join(problems) or f"{len(paths)} sources speak through one place")
    return 1 if problems else 0


if __name__ == "__main__":
    # It must find what it looks for.
    assert all(PAST.search(code(line)) for line in (
        'fmt::print(stderr, "x");', "std::cout << 1;", 'std::fprintf(stderr, "x");', 'fprintf( stdout, "x");', "puts(text);",
        'printf("x");', "#include <spdlog/sinks/stdout_sinks.h>", "write(STDERR_FILENO, text, 1);", "fputs(text, stderr);"))
    assert not any(PAST.search(code(line)) for line in (
        "// std::cout", "outputs(text);", 'print_output("printf(");', "return isatty(STDERR_FILENO) ? a : b;",
        "posix_spawn_file_actions_adddup2(&actions, file, STDERR_FILENO);", "std::snprintf(text, 1);"))
    sys.exit(main(pathlib.Path(sys.argv[1])))
