"""How good the models of a cycle are on its test images: the sections that need their predictions."""

from dataclasses import dataclass

from pipeline.records import Cycle
from pipeline.report.arrivals import Arrivals, arrivals_of
from pipeline.report.calibration import Calibrated, calibration_of
from pipeline.report.champion import Versus, comparison_of, versus_of
from pipeline.report.classes import ClassRow, Confusion, class_rows, confusions_of
from pipeline.report.coverage import Coverage, coverage_of
from pipeline.report.mistakes import Mistakes, mistakes_of
from pipeline.report.models import models_of
from pipeline.report.ranking import Ranking, ranking_of
from pipeline.report.turned import Turned, turned_of


@dataclass(frozen=True)
class Quality:
    """The sections; None or empty where there is nothing to show."""

    champion: Versus | None
    turned: Turned | None
    mistakes: Mistakes | None
    confusions: tuple[Confusion, ...]
    class_rows: tuple[ClassRow, ...]
    ranking: Ranking | None
    calibration: Calibrated | None
    coverage: Coverage | None
    arrivals: Arrivals | None


def quality_of(cycle: Cycle) -> Quality:
    """Work out the sections; the comparison with the champion, which is dear, once for all of them."""
    models = models_of(cycle)
    classes = cycle.snapshot.classes if cycle.snapshot else ()
    comparison = comparison_of(cycle, models)
    return Quality(
        champion=versus_of(cycle, models, comparison),
        turned=turned_of(cycle, models, comparison),
        mistakes=mistakes_of(cycle, models),
        confusions=confusions_of(models, classes),
        class_rows=class_rows(models, classes),
        ranking=ranking_of(models, classes),
        calibration=calibration_of(models, classes),
        coverage=coverage_of(models, classes),
        arrivals=arrivals_of(cycle, models),
    )
