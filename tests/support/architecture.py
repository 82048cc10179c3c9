"""Draws docs/architecture.svg from the code: rooms in their layers, and the imports between them.

Run by `make picture`; a test holds the committed picture equal to the drawn one. The layers are those of the import
contract in pyproject.toml, the imports those that grimp finds, and a room's purpose is the first sentence of its
`__init__`.
"""

import ast
import textwrap
import tomllib
from collections import Counter, defaultdict
from html import escape

import grimp

from support.paths import DOCS, ROOT

PICTURE = DOCS / "architecture.svg"
PACKAGE = "voxlake"
ROOMS = ROOT / "pipelines" / PACKAGE
WIDTH, BOX, HEIGHT, GAP, LANE = 1340, 248, 92, 74, 11
MARGIN, TOP = 40, 64
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2933 }
.room { font-weight: 700; font-size: 15px }
.small { font-size: 11.5px; fill: #52606d }
.title { font-size: 17px; font-weight: 700 }
.box { fill: #fff; stroke: #334e68; stroke-width: 1.4 }
.layer { fill: #f0f4f8 }
.words { fill: #fffbea; stroke: #b7791f }
.arrow { fill: none; stroke: #486581; stroke-width: 1.3; opacity: .75; marker-end: url(#head) }
.count { font-size: 11px; font-weight: 600; fill: #243b53; stroke: #fff; stroke-width: 3px; paint-order: stroke }
""".strip()


def room_of(module):
    """Return the room of a module, or None for the vocabulary: modules at the top of the package."""
    name = module.split(".")[1] if "." in module else ""
    return name if (ROOMS / name / "__init__.py").exists() and name else None


def layers():
    """Return the rooms of each layer, from the top, as the import contract lists them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = (c for c in contracts if c["type"] == "layers")
    rows = [[name.strip() for name in row.replace(":", "|").split("|")] for row in contract["layers"]]
    return [rooms for row in rows if (rooms := [name for name in row if room_of(f"{PACKAGE}.{name}")])]


def imports():
    """Count the imports between rooms, as {(importer, imported): number}; None stands for the vocabulary."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    found = Counter()
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            pair = room_of(importer), room_of(imported)
            if pair[0] is not None and pair[0] != pair[1]:
                found[pair] += 1
    return found


def purpose(room):
    """Return the first sentence of a room's docstring, without the full stop."""
    text = ast.get_docstring(ast.parse((ROOMS / room / "__init__.py").read_text())) or ""
    return " ".join(text.split("\n\n")[0].split()).rstrip(".")


def places(rows):
    """Return the left edge and the top of each room's box."""
    found = {}
    for depth, row in enumerate(rows):
        pitch = (WIDTH - 2 * MARGIN) / len(row)
        for n, room in enumerate(row):
            found[room] = round(MARGIN + pitch * (n + 0.5) - BOX / 2), TOP + depth * (HEIGHT + GAP)
    return found


def free(row, place, used, wanted):
    """Return the x nearest to the wanted one where an arrow passes beside the boxes and the arrows of a row."""
    boxes = [place[room][0] for room in row]
    return min(
        (
            x
            for x in range(MARGIN, WIDTH - MARGIN)
            if all(x < left - LANE or x > left + BOX + LANE for left in boxes)
            and all(abs(x - other) >= LANE for other in used)
        ),
        key=lambda x: abs(x - wanted),
    )


def ports(rooms, place, edges):
    """Return where each arrow leaves and arrives, so that those of one box lie side by side, in order."""
    middle = {room: place[room][0] + BOX / 2 for room in rooms}
    leaves, arrives = {}, {}
    for room in rooms:
        for found, ends in (
            (leaves, [e for e in edges if e[0] == room]),
            (arrives, [e for e in edges if e[1] == room]),
        ):
            other = 1 if found is leaves else 0
            ends.sort(key=lambda e, other=other: (middle[e[other]], place[e[other]][1]))
            for n, edge in enumerate(ends):
                found[edge] = place[room][0] + BOX * (n + 1) / (len(ends) + 1)
    return leaves, arrives


def route(rows, place, lanes, edge, leave, arrive):
    """Return an arrow's path: down from one box, through the gaps of the layers between, to the top of the other."""
    depth = {room: n for n, row in enumerate(rows) for room in row}
    start, end = depth[edge[0]], depth[edge[1]]
    x, y = leave, place[edge[0]][1] + HEIGHT
    path = f"M{x:.0f} {y:.0f}"
    for between in range(start + 1, end):
        wanted = x + (arrive - x) / (end - between + 1)
        next_x, next_y = free(rows[between], place, lanes[between], wanted), TOP + between * (HEIGHT + GAP)
        lanes[between].append(next_x)
        path += _bend(x, y, next_x, next_y) + f" V{next_y + HEIGHT:.0f}"
        x, y = next_x, next_y + HEIGHT
    return path + _bend(x, y, arrive, place[edge[1]][1] - 3)


def _bend(x, y, next_x, next_y):
    half = (y + next_y) / 2
    return f" C{x:.0f} {half:.0f} {next_x:.0f} {half:.0f} {next_x:.0f} {next_y:.0f}"


def draw():
    """Return the picture as SVG."""
    rows, counts = layers(), imports()
    rooms = [room for row in rows for room in row]
    place = places(rows)
    edges = [pair for pair in sorted(counts, key=str) if None not in pair]
    leaves, arrives = ports(rooms, place, edges)
    bottom = TOP + len(rows) * (HEIGHT + GAP)
    height = bottom + 84
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
        f"<title>The rooms of {PACKAGE} and their imports</title>",
        f"<style>{STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">',
        '<path d="M0 0L8 4L0 8z" fill="#486581"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text class="title" x="{MARGIN}" y="28">The rooms of {PACKAGE}: imports point down</text>',
        f'<text class="small" x="{WIDTH - MARGIN}" y="28" text-anchor="end">',
        "numbers: pairs of modules, one importing the other; drawn by make picture</text>",
    ]
    for depth in range(len(rows)):
        top = TOP + depth * (HEIGHT + GAP) - 12
        parts.append(f'<rect class="layer" x="12" y="{top}" width="{WIDTH - 24}" height="{HEIGHT + 24}" rx="10"/>')
    lanes = defaultdict(list)
    for edge in sorted(edges, key=lambda edge: leaves[edge]):
        path = route(rows, place, lanes, edge, leaves[edge], arrives[edge])
        parts.append(f'<path class="arrow" d="{path}"/>')
    for room in rooms:
        parts += _box(room, place[room], counts)
    for edge in edges:
        parts.append(
            f'<text class="count" x="{leaves[edge]:.0f}" y="{place[edge[0]][1] + HEIGHT + 15}" text-anchor="middle">'
            f"{counts[edge]}</text>"
        )
    parts += _vocabulary(bottom)
    return "\n".join([*parts, "</svg>", ""])


def _box(room, place, counts):
    left, top = place
    modules = len(list((ROOMS / room).rglob("*.py")))
    words = counts[room, None]
    shared = f" · {words} imports of vocabulary" if words else ""
    yield f'<rect class="box" x="{left}" y="{top}" width="{BOX}" height="{HEIGHT}" rx="6"/>'
    yield f'<text class="room" x="{left + 10}" y="{top + 20}">{room}</text>'
    yield f'<text class="small" x="{left + 10}" y="{top + HEIGHT - 9}">{modules} modules{shared}</text>'
    for n, line in enumerate(textwrap.wrap(purpose(room), 39, max_lines=3, placeholder=" …")):
        yield f'<text class="small" x="{left + 10}" y="{top + 37 + 14 * n}">{escape(line)}</text>'


def _vocabulary(top):
    names = sorted(path.stem for path in ROOMS.glob("*.py") if not path.stem.startswith("__"))
    yield f'<rect class="words" x="12" y="{top - 12}" width="{WIDTH - 24}" height="70" rx="10"/>'
    yield f'<text class="room" x="{MARGIN}" y="{top + 12}">vocabulary</text>'
    yield f'<text x="{MARGIN + 110}" y="{top + 12}">{" · ".join(names)}</text>'
    yield (
        f'<text class="small" x="{MARGIN}" y="{top + 38}">Every room but the sandbox may import the vocabulary, '
        "which imports no room. The sandbox imports nothing of voxlake.</text>"
    )


if __name__ == "__main__":
    PICTURE.write_text(draw())
