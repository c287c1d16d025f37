"""Reads every #include and fails where an arrow between rooms runs the wrong way.

arrows.py SOURCE: holds the includes against SOURCE/cmake/rooms.txt, from which the targets are made, too. A file may include
its own room and those that its room's line names; it may reach, through whatever it includes, only libraries that the line
names. What belongs to one measure (studies/measures/NAME.* or studies/measures/NAME/) no other may include.
"""

import dataclasses
import functools
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

# What of a library's headers tells that it is used; of those without one, the header of ours that declares what they have.
LIBRARIES = {
    "mpi": r"mpi\.h",
    "hdf5": r"hdf5(_hl)?\.h|H5.*",
    "slepc": r"(slepc|petsc).*\.h",
    "toml": r"toml\+\+/.*",
    "cli": r"CLI/.*",
    "spdlog": r"spdlog/.*",
    "fmt": r"fmt/.*",
    "json": r"nlohmann/.*",
    "zlib": r"zlib\.h",
    "crypto": r"openssl/.*",
    "eigen": r"(unsupported/)?Eigen/.*",
    "lapack": r"kernels/base/lapack\.hpp",
    "scalapack": r"kernels/distributed/scalapack\.hpp",
    "openblas": r"cblas\.h|lapacke\.h",
    "ginac": r"ginac/.*",
    "muparser": r"muParser.*",
    "quadmath": r"quadmath\.h",
    "version": r"meander_version\.hpp",
}
FLOORS = ("kernels", "pipeline", "studies", "slurm")
MEASURES = "studies/measures"


@dataclasses.dataclass
class Room:
    name: str
    rooms: list
    libraries: list


def read_rooms(path):
    """The table, and what is wrong with it: rooms stand below all that they include, so that there are no circles."""
    rooms, problems = {}, []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, others, libraries = (column.strip() for column in line.split("|"))
        room = Room(name, others.split(), libraries.split())
        problems += [f"rooms.txt:{number}: {name} includes {other}, which is no room above it" for other in room.rooms if other not in rooms]
        rooms[name] = room
    return rooms, problems


class House:
    def __init__(self, root):
        self.root = root
        self.rooms, self.problems = read_rooms(root / "cmake/rooms.txt")
        self.files = {str(path.relative_to(root)) for floor in FLOORS for path in (root / floor).rglob("*.[ch]pp")}

    def room(self, file):
        """The longest name that the file's folder begins with, or nothing."""
        names = [name for name in self.rooms if file.startswith(f"{name}/")]
        return self.rooms[max(names, key=len)] if names else None

    @functools.cache
    def includes(self, file):
        """Project files and libraries that it names."""
        found = INCLUDE.findall((self.root / file).read_text())
        files = {name for _, name in found if name in self.files}
        libraries = {library for _, name in found for library, pattern in LIBRARIES.items() if re.fullmatch(pattern, name)}
        return files, libraries

    def reached(self, file):
        """Libraries by the way to them: the file, what it includes, what that includes ..."""
        ways, todo, seen = {}, [[file]], {file}
        while todo:
            way = todo.pop(0)
            files, libraries = self.includes(way[-1])
            for library in libraries:
                ways.setdefault(library, way)
            for name in sorted(files - seen):
                seen.add(name)
                todo.append([*way, name])
        return ways

    def wrong_arrows(self):
        for file in sorted(self.files):
            room = self.room(file)
            if room is None:
                yield f"{file} stands in no room of cmake/rooms.txt"
                continue
            for name in sorted(self.includes(file)[0]):
                other = self.room(name)
                if other is None or (other is not room and other.name not in room.rooms):
                    yield f"{file} includes {name}, which {room.name} must not know"
                if measure_of(name) and measure_of(name) != measure_of(file) and "catalogue" not in measure_of(name):
                    yield f"{file} includes {name}, which belongs to another measure"
            for library, way in sorted(self.reached(file).items()):
                if library not in room.libraries:
                    yield f"{' includes '.join(way)}, which uses {library}: {room.name} must not know it"

    def idle_lines(self):
        """Rooms and libraries that a line allows though nothing needs them."""
        for room in self.rooms.values():
            mine = [file for file in self.files if self.room(file) is room]
            used = {self.room(name).name for file in mine for name in self.includes(file)[0] if self.room(name)}
            reached = {library for file in mine for library in self.reached(file)}
            yield from (f"rooms.txt: {room.name} never includes {other}: take it off the line"
                        for other in room.rooms if other not in used and not other.startswith(f"{room.name}/"))
            yield from (f"rooms.txt: {room.name} never reaches {library}: take it off the line"
                        for library in room.libraries if library in LIBRARIES and library not in reached)


def measure_of(file):
    """The measure that a file belongs to, or nothing."""
    if not file.startswith(f"{MEASURES}/"):
        return None
    return file.removeprefix(f"{MEASURES}/").split("/")[0].rsplit(".", 1)[0]


def main():
    house = House(pathlib.Path(sys.argv[1]))
    problems = [*house.problems, *house.wrong_arrows(), *house.idle_lines()]
    print("\n".join(problems) or f"every include of {len(house.rooms)} rooms runs the right way")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
