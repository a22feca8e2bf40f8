"""A cycle with all that a page can show: champion, findings, maps, arrivals. The same bytes on each call."""

from dataclasses import replace

from pipeline.records import (
    Calibration,
    Cycle,
    DataPoint,
    Evaluation,
    Findings,
    HeatMap,
    Novelty,
    RunDetails,
    Verdict,
)
from tests.pipeline.example_cycles import finished_cycle
from tests.pipeline.example_runs import CLASSES, digest_of, example_details, example_evaluation, example_run

CALIBRATION = Calibration(temperature=0.41, images=1600, log_loss_before=0.2413, log_loss_after=0.0675)
REPEATS = (0.98, 0.985, 0.9825, 0.98, 0.9875)
MARGIN = 0.001


def data_point(images: int, cats: int, dogs: int) -> DataPoint:
    return DataPoint(images / 1600, images, {"cat": cats, "dog": dogs}, {"cat": 200, "dog": 200})


DATA_CURVE = (
    data_point(200, 187, 180),
    data_point(400, 192, 189),
    data_point(800, 195, 194),
    data_point(1600, 197, 197),
)
NOVELTY = Novelty(
    images=1182,
    novel=31,
    limit=0.412,
    distance=0.187,
    usual_distance=0.174,
    most_novel=(digest_of("added cat 1"), digest_of("added dog 0"), digest_of("unknown")),
)


def findings() -> Findings:
    return Findings(CALIBRATION, REPEATS, DATA_CURVE, NOVELTY)


def champion_evaluation() -> Evaluation:
    """Return what the champion says: of the test images it has 3 to 13 wrong, the fine-tune 0 to 5."""
    all_right, all_wrong = example_evaluation(0), example_evaluation(400)
    predictions = tuple(
        (all_wrong if 3 <= n <= 13 else all_right).predictions[n] for n in range(len(all_right.predictions))
    )
    return Evaluation(389 / 400, 0.081, predictions)


def heat_map(n: int, label: str, shift: int = 0) -> HeatMap:
    """Return a spot of evidence in 7 x 7 places for the test image `n`."""
    spot = [max(0, 255 - 60 * (abs(x - 2 - shift) + abs(y - 3))) for y in range(7) for x in range(7)]
    return HeatMap(digest_of(f"test {n}"), label, 7, bytes(spot))


def champion() -> RunDetails:
    run = example_run("finetune", 11, cycle_id=6, train_images=418, test_accuracy=0.96, test_log_loss=0.09)
    maps = tuple(heat_map(n, CLASSES[n % 2], 1) for n in range(14))
    calibration = replace(CALIBRATION, temperature=0.9)
    return RunDetails(run, champion_evaluation(), findings=Findings(calibration), heat_maps=maps)


def arrivals() -> dict[str, int]:
    """Return in which cycle each test image came: 320 in the first, 50 in the third, 30 in this one."""
    return {digest_of(f"test {n}"): 7 if n < 30 else 3 if n < 80 else 1 for n in range(400)}


def complete_cycle(**changes: object) -> Cycle:
    """Return a cycle whose page has every section filled."""
    maps = tuple(heat_map(n, CLASSES[1 - n % 2]) for n in range(6))
    cycle = finished_cycle(
        finetune=replace(example_details("finetune", 13), findings=findings(), heat_maps=maps),
        compared=champion(),
        arrivals=arrivals(),
        verdict=Verdict(
            "hold", "of 400 test images it newly gets 8 right and 3 wrong (p = 0.23)", margin=MARGIN
        ),
        champion_id=11,
    )
    return replace(cycle, **changes)  # type: ignore[arg-type]
