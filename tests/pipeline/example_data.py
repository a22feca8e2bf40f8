"""What a cycle found out about its images, as the database would give it. The same bytes on each call."""

from collections.abc import Mapping

from pipeline.records import Change, ChangeKind, Leak, SnapshotImage, Suspect
from tests.pipeline.example_runs import digest_of, thumbnail

CHANGE_COUNTS: Mapping[str, Mapping[str, int]] = {
    "added": {"cat": 1180, "dog": 2},
    "moved": {"dog": 3},
    "other split": {"cat": 1},
    "relabelled": {"dog": 1},
    "removed": {"cat": 2},
    "replaced": {"cat": 1},
}


def example_change(kind: ChangeKind, label: str, n: int = 0, before: str | None = None) -> Change:
    name = f"{kind} {label} {n}"
    path = f"train/{label}/{name.replace(' ', '-')}.jpg".encode()
    return Change(kind, digest_of(name), path, label, "train", before)


def example_changes(added: int = 3) -> tuple[Change, ...]:
    """Return changes of each kind; of the first and the last added cat there is no thumbnail."""
    return (
        *(example_change("added", "cat", n) for n in range(added)),
        *(example_change("added", "dog", n) for n in range(2)),
        *(example_change("moved", "dog", n) for n in range(3)),
        example_change("other split", "cat", before="test"),
        example_change("relabelled", "dog", before="cat"),
        *(example_change("removed", "cat", n) for n in range(2)),
        example_change("replaced", "cat", before=digest_of("former")),
    )


def example_leak(n: int, distance: int = 0, transform: str = "none", *, copy: bool = False) -> Leak:
    """Return a leak of the test image `n` of `example_evaluation`."""
    label = ("cat", "dog")[n % 2]
    sha256 = digest_of(f"test {n}")
    test = SnapshotImage(sha256, label, "test", f"test/{label}/{label}.{n:05d}.jpg".encode())
    own = sha256 if copy else digest_of(f"leaked {n}")
    return Leak(
        SnapshotImage(own, label, "train", f"train/{label}/copy-{n}.jpg".encode()), test, distance, transform
    )


def example_leaks() -> tuple[Leak, ...]:
    """Return three leaks; of the three test images, fine-tuning got the first one wrong."""
    return (
        example_leak(0, copy=True),
        example_leak(10, 4, "mirrored"),
        example_leak(11, 7, "quarter turn left"),
    )


def example_suspects(count: int = 3) -> tuple[Suspect, ...]:
    """Return suspects, the most suspicious first."""
    labels = ("cat", "dog")
    return tuple(
        Suspect(
            sha256=digest_of(f"suspect {n}"),
            path=f"train/{labels[n % 2]}/odd-{n}.jpg".encode(),
            label=labels[n % 2],
            suggested=labels[1 - n % 2],
            probability=0.01 * (n + 1),
            score=0.98 - 0.02 * n,
        )
        for n in range(count)
    )


def data_thumbnails() -> Mapping[str, bytes]:
    """Return pictures of some of the images above."""
    names = [
        "added cat 1", "added dog 0", "added dog 1", "relabelled dog 0", "removed cat 1", "replaced cat 0",
        "leaked 10", "leaked 11", "test 10", "test 11", "suspect 0", "suspect 1",
    ]  # fmt: skip
    return {digest_of(name): thumbnail(n) for n, name in enumerate(names, start=10)}
