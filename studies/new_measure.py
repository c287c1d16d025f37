#!/usr/bin/env python3
"""Makes the skeleton of a measure: studies/new_measure.py NAME [--into FOLDER]

Writes studies/measures/NAME.cpp, which compiles and runs, and enters it in the catalogue. What is left to do stands at the
end of what this prints, and in CONTRIBUTING.md.
"""

import argparse
import pathlib
import re
import sys

MEASURES = pathlib.Path(__file__).resolve().parent / "measures"
NEXT_STEPS = """
{file} and its line in {catalogue} are there. Now:
  1. the mathematics, with a plain twin:      kernels/<room>/..., tests/kernels/<room>/test_{name}.cpp
  2. the call into it, keys, arrays, cost:    {file}
  3. a study of a paper's figure:             studies/<paper>/<figure>.toml (with a line `# test: --set ...`)
  4. its digests:                             tests/end_to_end/digests.py --write <paper>/<figure>
  5. the page:                                meander list --markdown > docs/measures.md
  6. a line in CHANGELOG.md, and in analysis/meander/figures a module if the usual picture will not do
"""


def entered(catalogue, name):
    """The catalogue with the measure in it, in alphabetical order."""
    for pattern, line in ((r"std::unique_ptr<Measure> make_(\w+)\(\);", f"std::unique_ptr<Measure> make_{name}();"),
                          (r"  catalogue\.add\(make_(\w+)\(\)\);", f"  catalogue.add(make_{name}());")):
        found = list(re.finditer(pattern, catalogue))
        later = [match for match in found if match[1] > name]
        at = later[0].start() if later else found[-1].end() + 1
        catalogue = catalogue[:at] + line + "\n" + catalogue[at:]
    return catalogue


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="snake_case, as studies will name it")
    parser.add_argument("--into", type=pathlib.Path, default=MEASURES, help="folder for the files (for tests)")
    arguments = parser.parse_args()
    name, file = arguments.name, arguments.into / f"{arguments.name}.cpp"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        sys.exit(f"'{name}' is no name for a measure (lower-case words joined by _)")
    catalogue = (MEASURES / "catalogue.cpp").read_text()
    if f"make_{name}()" in catalogue or file.exists():
        sys.exit(f"there is a measure '{name}' already")
    class_name = "".join(word.capitalize() for word in name.split("_")) + "Measurement"
    text = (MEASURES / "skeleton.cpp.in").read_text()
    file.write_text(text.replace("@name@", name).replace("@Class@", class_name))
    (arguments.into / "catalogue.cpp").write_text(entered(catalogue, name))
    print(NEXT_STEPS.format(name=name, file=file, catalogue=arguments.into / "catalogue.cpp").strip())


if __name__ == "__main__":
    main()
