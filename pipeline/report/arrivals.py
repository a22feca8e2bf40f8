"""What the section on arrivals shows: is the model as good on the newest test images as on the old ones?"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.evaluation_tables import said_index
from pipeline.paired import Estimate
from pipeline.records import Cycle
from pipeline.report.models import Model, model_of, share_with_interval
from pipeline.report.plot_frame import Kind
from pipeline.report.plots_intervals import Interval, intervals_plot
from pipeline.report.words import counted
from pipeline.shares import share

MOST_BATCHES = 8  # that stand alone; earlier ones are put together


@dataclass(frozen=True)
class BatchRow:
    """The test images that came in the same cycle, or in several early ones."""

    name: str
    images: int
    accuracies: tuple[str, ...]  # in the order of the columns


@dataclass(frozen=True)
class Arrivals:
    """The accuracy by batch, the oldest first; without rows if all images came together."""

    sentence: str
    columns: tuple[tuple[Kind, str], ...]
    rows: tuple[BatchRow, ...]
    plot: Markup | None


def arrivals_of(cycle: Cycle, models: tuple[Model, ...]) -> Arrivals | None:
    """Work out the section; None if the fine-tune was not tested, or it is not known when images came."""
    finetune = model_of(models, "finetune")
    if finetune is None or cycle.snapshot is None or not cycle.arrivals:
        return None
    classes, beside = cycle.snapshot.classes, [m for m in (model_of(models, "champion"), finetune) if m]
    batches = _batches(cycle.arrivals)
    if len(batches) < 2:
        return Arrivals(_one_batch(batches[0][0], len(cycle.arrivals)), (), (), None)
    shares = [{name: _share(model, images, classes) for name, images in batches} for model in beside]
    sentence = _sentence(batches, shares[-1])
    return Arrivals(
        sentence=sentence,
        columns=tuple((model.kind, model.name) for model in beside),
        rows=tuple(
            BatchRow(name, len(images), tuple(share_with_interval(own[name]) for own in shares))
            for name, images in batches
        ),
        plot=intervals_plot(
            "arrivals-plot", f"Accuracy by arrival. {sentence}", _drawn(batches, beside, shares)
        ),
    )


def _batches(arrivals: Mapping[str, int]) -> list[tuple[str, frozenset[str]]]:
    """Return the names of the batches and their images, the oldest first, early ones put together."""
    by_cycle: dict[int, set[str]] = defaultdict(set)
    for sha256, cycle_id in arrivals.items():
        by_cycle[cycle_id].add(sha256)
    ids = sorted(by_cycle)
    early, late = (ids[: 1 - MOST_BATCHES], ids[1 - MOST_BATCHES :]) if len(ids) > MOST_BATCHES else ([], ids)
    batches = [(f"Cycle {cycle_id}", frozenset(by_cycle[cycle_id])) for cycle_id in late]
    if early:
        together = frozenset().union(*(by_cycle[cycle_id] for cycle_id in early))
        batches.insert(0, (f"Cycles {early[0]} to {early[-1]}", together))
    return batches


def _share(model: Model, images: frozenset[str], classes: Sequence[str]) -> Estimate | None:
    tested = [p for p in model.evaluation.predictions if p.sha256 in images]
    right = sum(classes[said_index(p)] == p.label for p in tested)
    return share(right, len(tested)) if tested else None


def _one_batch(name: str, images: int) -> str:
    came = "the test image" if images == 1 else f"all {counted(images, 'test image')}"
    return f"There is one batch only: {came} came in {name.lower()}, so no older one is to compare with."


def _sentence(batches: Sequence[tuple[str, frozenset[str]]], shares: Mapping[str, Estimate | None]) -> str:
    newest, images = batches[-1]
    new, old = shares[newest], [shares[name] for name, _ in batches[:-1]]
    known = [one for one in old if one is not None]
    text = f"On the {counted(len(images), 'test image')} that came in {newest.lower()}"
    if new is None or not known:
        return f"{text} the fine-tune was not tested, or on no others."
    text = f"{text} the fine-tune is right for {share_with_interval(new)}"
    if all(one.low <= new.high and new.low <= one.high for one in known):
        return f"{text}; the intervals of all earlier batches overlap with that, so no difference is shown."
    worse = new.high < min(one.low for one in known)
    return f"{text}; {_how(worse=worse, better=new.low > max(one.high for one in known))}."


def _how(*, worse: bool, better: bool) -> str:
    if worse:
        return "that is clearly less than on every earlier batch"
    return (
        "that is clearly more than on every earlier batch"
        if better
        else "some earlier batches differ clearly"
    )


def _drawn(
    batches: Sequence[tuple[str, frozenset[str]]],
    models: Sequence[Model],
    shares: Sequence[Mapping[str, Estimate | None]],
) -> list[tuple[str, list[Interval]]]:
    return [
        (
            name,
            [
                Interval(model.kind, one.value, one.low, one.high)
                for model, own in zip(models, shares, strict=True)
                if (one := own[name])
            ],
        )
        for name, _ in batches
    ]
