"""The command `meander-plot ARCHIVE.h5`: draws the figure of an archive's measure."""

from __future__ import annotations

import argparse
import os
import pathlib
import re
import sys

from meander.terminal import printable

BAD_INPUT, FAILED = 3, 1
FORMATS = ("png", "svg", "pdf")


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise ValueError(f"{message} (see {self.prog} --help)")


def main(arguments=None) -> int:
    """Returns the exit code: 0, 1 where a file cannot be written, 3 for bad input."""
    try:
        options = _parse(arguments)
        if options.table:
            _print_table(options)
        else:
            _draw(options, _targets(options))
    except ValueError as error:  # ArchiveError is one
        _say(f"meander-plot: error: {error}")
        return BAD_INPUT
    except OSError as error:
        _say(f"meander-plot: error: {error.filename or 'standard output'}: cannot be written ({error.strerror or error})")
        return FAILED
    return _finish()


def _say(text):
    """On standard error; what cannot be said is no reason to fail."""
    try:
        if sys.stderr is not None:
            print(printable(text), file=sys.stderr, flush=True)
    except OSError:
        pass


# Why standard output could not be written; nothing where it could.
_unwritten = []


def _print(text):
    if sys.stdout is None:
        _unwritten.append("it is closed")
        return
    try:
        print(printable(text), flush=True)
    except OSError as error:
        _unwritten.append(error.strerror or str(error))
        sys.stdout = None  # or Python tries once more at its end


def _finish():
    if _unwritten:
        _say(f"meander-plot: error: standard output could not be written ({_unwritten[0]})")
        _unwritten.clear()
        return FAILED
    return 0


def _parse(arguments):
    parser = _Parser(prog="meander-plot", description="Draws the figure of an archive: the measure's quantity with "
                     "theory dashed and 95 % intervals of the mean shaded.")
    parser.add_argument("archive", metavar="ARCHIVE.h5")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write (default: the archive's stem, here)")
    parser.add_argument("--format", metavar="LIST", help="png, svg, pdf; several with commas (default: -o's ending, "
                        "else png,svg)")
    parser.add_argument("--array", metavar="NAME", action="append", default=[],
                        help="which array to draw (default: the measure's main one); may be given twice")
    parser.add_argument("--against", metavar="KEY", help="what lies along x: layer (default), depth, width, sigma_w, any "
                        "other sweep key, or length")
    parser.add_argument("--select", metavar="KEY=VALUE,...", action="append", default=[],
                        help="draw only these values; a key given twice keeps both")
    parser.add_argument("--table", action="store_true", help="prints the table of a scaling archive instead")
    parser.add_argument("--max-panels", metavar="N", type=int, default=12, help="at most this many panels (default: 12)")
    return parser.parse_args(arguments)


def _draw(options, targets):
    import meander  # matplotlib takes a second: not for --help or a mistyped option
    from meander.figures import Request, draw
    from meander.figures.base.drawing import save

    request = Request(tuple(name for text in options.array for name in text.split(",")), options.against,
                      tuple(pair for text in options.select for pair in _pairs(text)), options.max_panels)
    figure, notes = draw(meander.open(options.archive), request)
    for path, kind in targets:
        save(figure, path, kind)
        _print(path)
    for note in notes[1:]:  # the first one only explains the figure
        _say("note: " + re.sub(r"[$\\]", "", note))


def _print_table(options):
    import meander

    _print(meander.scaling_text(meander.open(options.archive)))


def _targets(options):
    if options.max_panels < 1:
        raise ValueError("--max-panels: at least 1")
    output = pathlib.Path(options.output) if options.output else pathlib.Path(pathlib.Path(options.archive).stem)
    ending = output.suffix[1:].lower()
    named = ending in FORMATS and options.output is not None
    if options.format is not None:
        kinds = options.format.split(",")
    else:
        kinds = [ending] if named else ["png", "svg"]
    unknown = [kind for kind in kinds if kind not in FORMATS]
    if unknown:
        raise ValueError(f'--format: unknown format "{unknown[0]}" (there are {", ".join(FORMATS)})')
    if options.output is not None and output.is_dir():
        output, named = output / pathlib.Path(options.archive).stem, False
    base = output.with_suffix("") if named else output
    if not os.path.isdir(base.parent):
        raise ValueError(f"{base.parent}: no such directory")
    return [(base.with_name(f"{base.name}.{kind}"), kind) for kind in dict.fromkeys(kinds)]


def _pairs(text):
    """key=value pairs; a comma inside brackets, quotes or braces belongs to the value."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[{(") - (letter in "]})")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise ValueError(f'--select: "{part}" is not KEY=VALUE')
        yield key.strip(), value.strip()


if __name__ == "__main__":
    sys.exit(main())
