"""A cycle in which every text of strangers attacks the page. The same bytes on each call."""

from dataclasses import replace

from pipeline.records import (
    Artifact,
    Change,
    Cycle,
    Leak,
    Quarantined,
    RunDetails,
    RunKind,
    SnapshotImage,
    SnapshotSummary,
    Suspect,
    Verdict,
)
from tests.pipeline.example_cycles import finished_cycle
from tests.pipeline.example_runs import (
    digest_of,
    example_evaluation,
    example_run,
    example_structure,
    thumbnail,
)

# After Lighthouse, which keeps such a line in its own source to prove that its report survives it.
CANARY = "</script> pre$`post %%WHISKER_JSON%% <!-- {{7*7}} {% raw %}"
HOSTILE_NAMES = (
    b"<script>alert(1)</script>.jpg",
    b"\"><img src=x onerror='alert(2)'>.jpg",
    b"two\nlines\tand\x1b[31mred.jpg",
    "photo\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe".encode(),
    b"{{7*7}}{% raw %}.jpg",
    b"caf\xe9.jpg",
    b"a$b^$.jpg",
    b"-rf",
    b"x" * 255,
    "ne\u0301e.jpg".encode(),
    CANARY.encode(),
)


def hostile_cycle() -> Cycle:
    """Return a cycle in which every text of strangers attacks the page."""
    classes = ("<b>cat", CANARY)
    changes = {"recipe": CANARY, "backbone": CANARY, "device": CANARY, "notes": (CANARY,), "error": CANARY}
    settings = {CANARY: {CANARY: [CANARY]}}
    environment = {CANARY: CANARY}
    runs: tuple[tuple[RunKind, int], ...] = (("finetune", 21), ("scratch", 22))
    details = [
        RunDetails(
            example_run(kind, run_id, **changes, settings=settings, environment=environment),
            example_evaluation(len(HOSTILE_NAMES), paths=HOSTILE_NAMES, classes=classes),
            replace(example_structure(), new_last_layer=CANARY),
            (Artifact(CANARY, digest_of("x"), 1),),
        )
        for kind, run_id in runs
    ]
    snapshot = SnapshotSummary(
        digest=digest_of("hostile"),
        classes=classes,
        counts={"train": {classes[0]: 10, classes[1]: 10}, "test": {classes[0]: 200, classes[1]: 200}},
        quarantined=tuple(
            Quarantined(name, start + CANARY)
            for name in HOSTILE_NAMES
            for start in ("", "also under class ", "shows the same picture as ")
        ),
    )
    return finished_cycle(
        id=8,
        images_folder="/srv/\udce9/" + CANARY,
        error=CANARY,
        snapshot=snapshot,
        finetune=details[0],
        scratch=details[1],
        verdict=Verdict("reject", CANARY),
        **_hostile_findings(),
        thumbnails={digest_of("test 0"): thumbnail(0)},
    )


def _hostile_findings() -> dict[str, object]:
    image = SnapshotImage(digest_of("test 0"), CANARY, "test", HOSTILE_NAMES[0])
    kinds = ("added", "relabelled", "replaced", "removed", CANARY)
    return {
        "changes": tuple(
            Change(kind, digest_of("test 0"), name, CANARY, "train", CANARY)  # type: ignore[arg-type]
            for kind in kinds
            for name in HOSTILE_NAMES
        ),
        "change_counts": {kind: {CANARY: 11, "<b>cat": 2} for kind in kinds},
        "leaks": tuple(
            Leak(SnapshotImage(digest_of(f"{n}"), CANARY, "train", name), image, n, CANARY)
            for n, name in enumerate(HOSTILE_NAMES)
        ),
        "suspects": tuple(Suspect(digest_of("x"), name, CANARY, CANARY, 0.1, 0.8) for name in HOSTILE_NAMES),
    }
