"""Heat maps of the test images that the report shows: by the new model, and by the champion beside it."""

import logging
from collections.abc import Sequence

from db import store
from jobs.telling import telling_images
from jobs.work import Work
from pipeline.errors import WeightsError
from pipeline.evaluation_tables import said_index
from pipeline.heat_maps import heat_maps
from pipeline.records import Cycle, HeatMap, Prediction, RunDetails, SnapshotImage
from pipeline.runtime import mx

log = logging.getLogger("whisker")


def store_heat_maps(work: Work, cycle: Cycle) -> None:
    """Store where each of the two networks sees the class that it says.

    What cannot be computed is left out: an image that has vanished, a network whose files are damaged, and
    all of them where the device has no memory left.
    """
    shown = telling_images(cycle)
    for details in (cycle.finetune, cycle.compared):
        if details is None:
            continue
        work.around.check_stop()
        try:
            maps = _maps(work, details, shown)
        except (WeightsError, mx.MXNetError) as error:
            log.warning("run %d has no heat maps: %s", details.run.id, error)
            continue
        with work.sessions.begin() as session:
            store.add_heat_maps(session, details.run.id, maps)


def _maps(work: Work, details: RunDetails, shown: Sequence[Prediction]) -> tuple[HeatMap, ...]:
    """Return the maps of those images that have none yet; a champion has some from earlier cycles."""
    said = {} if details.evaluation is None else {p.sha256: p for p in details.evaluation.predictions}
    for heat_map in details.heat_maps:
        said.pop(heat_map.sha256, None)
    predictions = [said[prediction.sha256] for prediction in shown if prediction.sha256 in said]
    if not predictions:
        return ()
    return heat_maps(
        work.home.model(details.run.id),
        [SnapshotImage(p.sha256, p.label, "test", p.path) for p in predictions],
        [work.snapshot.classes[said_index(p)] for p in predictions],
        work.images_folder,
        work.around.device,
    )
