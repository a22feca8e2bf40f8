"""What ten million images on eight hosts with 32 GPUs need: the arithmetic, from what was measured.

    python -m benchmarks capacity

Measured is what RESULTS.md says of `scale`, `frozen_pass`, `databases`, and the reading of a photo, which is
measured here; published is what others measured, with its source; all else is assumed, and stands in
`benchmarks/installation.py`. So no number of docs/SCALE.md is typed by hand.
"""

from dataclasses import asdict
from pathlib import Path

from benchmarks.capacity_training import epoch, features, photo_read
from benchmarks.installation import GB, MB, ROW, Assumed, Line, Published, in_words, line
from benchmarks.results import RESULTS, cell, facts, largest, numbers_of_images, phases
from pipeline.room import IN_MEMORY

GROWTH = "What grows, and with what"


def main(photos: Path) -> None:
    """Print the tables."""
    assumed, published = Assumed(), Published()
    results = RESULTS.read_text(encoding="utf-8")
    photo = photo_read(photos)
    for name, source in (("Assumed", assumed), ("Published", published)):
        print(
            f"{name}: {', '.join(f'{what} {in_words(value)}' for what, value in asdict(source).items())}.\n"
        )
    size, milliseconds = photo.size / 1000, 1000 * photo.seconds
    print(f"Reading a photo of {size:.0f} kB takes {milliseconds:.1f} ms of one processor here.\n")
    print(f"**{GROWTH}**\n\n| what | grows with | for a million |\n|---|---|---|")
    for row in growth(results):
        print(f"| {' | '.join(row)} |")
    print()
    for title, lines in (
        ("Disk", disk(assumed, results)),
        ("Memory of the host that runs the cycle", memory(assumed, results)),
        ("The first look and the features", features(assumed, published, results, photo)),
        ("What one process does in each cycle", alone(assumed, results)),
        ("An epoch of all layers", epoch(assumed, published, photo)),
        ("Records on PostgreSQL", records(assumed, results)),
        ("An object store", store(assumed, published)),
    ):
        print(f"**{title}**\n\n| what | arithmetic | result |\n|---|---|---|")
        for row in lines:
            print(f"| {' | '.join(row)} |")
        print()


def growth(results: str) -> list[Line]:
    """Return what was measured for the most images, as if it grew in proportion from there on."""
    steps = (
        ("first look", "files: each is read and decoded"),
        ("unchanged look", "files: each is listed"),
        ("1 % new: look", "files, and new ones"),
        ("first cycle", "images, without the network's part"),
        ("1 % new: cycle", "images, without the network's part"),
        ("near duplicates", "images"),
        ("doubts worked out", "images"),
        ("`scan --explain`", "files"),
        ("`report --all`", "test images"),
        ("`backup`", "the database"),
    )
    rows = [(step, by, f"{float(cell(results, 'scale', step, -2)):,.0f} s") for step, by in steps]
    locked = facts(results, "first", "seconds: others could not write, at most", -2)
    database = facts(results, "first", "database, MB", -2)
    return [
        *rows,
        ("others cannot write, at most", "images, on SQLite", f"{locked:,.0f} s"),
        ("database after the first cycle", "images", f"{database:,.0f} MB"),
        ("page of a cycle", "nothing", f"{facts(results, 'first', 'page of the cycle, MB', -3):.1f} MB"),
    ]


def disk(a: Assumed, results: str) -> list[Line]:
    """Return what lies on disks."""
    first, later = (facts(results, cycle, "database, MB", -3) * MB for cycle in ("first", "second"))
    size = largest(results)
    per_image, per_cycle = first / size, (later - first) / size
    return [
        line(
            "images", f"{a.images:,.0f} x {a.image_bytes / 1e3:.0f} kB", a.images * a.image_bytes / GB, "GB"
        ),
        line("cache of features", f"{a.images:,.0f} x ({ROW} + 36) bytes", a.images * (ROW + 36) / GB, "GB"),
        line("features while a head is fitted", f"{a.images:,.0f} x {ROW} bytes", a.images * ROW / GB, "GB"),
        line("database", f"{a.images:,.0f} x {per_image:.0f} bytes", a.images * per_image / GB, "GB"),
        line(
            "it grows, each cycle, 1 % new",
            f"{a.images:,.0f} x {per_cycle:.0f} bytes",
            a.images * per_cycle / GB,
            "GB",
        ),
        line(
            "of 20 cycles whose answers stay",
            f"20 x {a.images * per_cycle / GB:.2f} GB",
            20 * a.images * per_cycle / GB,
            "GB",
        ),
    ]


def memory(a: Assumed, results: str) -> list[Line]:
    """Return what is held in memory."""
    sizes = numbers_of_images(results)
    small, large = (facts(results, "second", "memory of its own, MB, at most", at) for at in (1, len(sizes)))
    held = sizes[-1] * ROW if sizes[-1] * ROW <= IN_MEMORY else 0  # features that no file backs
    each = ((large - small) * MB - held) / (sizes[-1] - sizes[0])
    added = f"({large:,.0f} - {small:,.0f} - {held / MB:,.0f}) MB / {sizes[-1] - sizes[0]:,}"
    return [
        line("of each image, without its features", added, each, "bytes"),
        line(
            "cycle",
            f"{small / 1000:.1f} GB + {a.images:,.0f} x {each:,.0f} bytes",
            small / 1000 + a.images * each / GB,
            "GB",
        ),
        line("features, which lie on the disk as well", "as above", a.images * ROW / GB, "GB"),
    ]


ONCE = (  # phases of a cycle that take as long for any number of images beyond some ten thousand
    "start and end of the process",
    "weights and network",
    "head: choice of the penalty",
    "head: repeats, data curve, novelty",
    "saving the model",
    "saving the model: ONNX and its check",
    "layers of the network for the report",
)
SHOWN = 10.0  # seconds: what takes less is only in the sum


def alone(a: Assumed, results: str) -> list[Line]:
    """Return what no other host takes part in."""
    more = a.images / largest(results)
    rows, whole = [], 0.0
    for phase in phases(results, "second"):
        seconds = facts(results, "second", f"seconds: {phase}", -3)
        factor = 1.0 if phase in ONCE else more
        whole += seconds * factor
        if seconds * factor >= SHOWN:
            arithmetic = f"{seconds:.1f} s" if phase in ONCE else f"{seconds:.1f} s x {more:,.0f}"
            rows.append(line(phase, arithmetic, seconds * factor / 60, "minutes"))
    return [*rows, line("all of it", "the sum", whole / 60, "minutes")]


def records(a: Assumed, results: str) -> list[Line]:
    """Return what the rows of a server cost, by the pace of one connection."""
    counted = 20_000  # images of that measurement
    found = []
    for what, share in (
        ("store what a look has read", 1.0),
        ("store a snapshot", 1.0),
        ("store the next one, 1 % of it new", 1.0),
        ("read it", 1.0),
    ):
        seconds = float(cell(results, "databases", what, 2)) / 1000
        found.append(
            line(
                what,
                f"{seconds:.2f} s / {counted:,} x {a.images:,.0f}",
                seconds / counted * a.images * share / 60,
                "minutes",
            )
        )
    return found


def store(a: Assumed, p: Published) -> list[Line]:
    """Return what images in an object store cost in requests."""
    lists = a.images / p.listed
    return [
        line("requests of a look", f"{a.images:,.0f} / {p.listed:,.0f}", lists, "lists"),
        line("of all looks of a day", f"{a.looks_a_day:.0f} x {lists:,.0f}", a.looks_a_day * lists, "lists"),
        line(
            "dollars a day",
            f"{a.looks_a_day * lists:,.0f} x {p.list_price:.6f}",
            a.looks_a_day * lists * p.list_price,
            "dollars",
        ),
        line(
            "an epoch without a cache on the hosts",
            f"{a.images * (1 - a.test_share):,.0f} gets",
            a.images * (1 - a.test_share) * p.get_price,
            "dollars",
        ),
        line(
            "all images once, one prefix",
            f"{a.images:,.0f} / {p.gets:,.0f}",
            a.images / p.gets / 60,
            "minutes",
        ),
    ]
