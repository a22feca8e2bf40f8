"""A whole cycle that computes on several devices: contexts on the CPU, none of them MXNet's own `cpu(0)`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.decode import normalise
from pipeline.evaluate import softmax
from pipeline.reader import ImageReader
from pipeline.records import SnapshotImage
from pipeline.trained_model import open_trained
from tests.jobs.cycles import cycles, request, run


def test_its_runs_have_all_that_those_on_one_device_have(tmp_path: Path, images: Path) -> None:
    asked = request(tmp_path, images, baseline=True, trains="all layers", epochs=1, name="classic")
    asked = replace(asked, config=replace(asked.config, baseline=True, device="cpu:1-2", engine="mxnet"))
    report = run(asked).report
    (cycle,) = cycles(asked)
    for details in (cycle.finetune, cycle.scratch):
        assert details is not None
        assert (details.run.status, details.run.device) == ("finished", "cpu:1,2")
        assert details.run.environment["kvstore"] == "device"
        assert details.structure is not None
    assert cycle.finetune is not None
    assert cycle.finetune.heat_maps
    assert report is not None
    assert "cpu:1,2" in report.read_text(encoding="utf-8")
    assert cycle.finetune.evaluation is not None
    said = cycle.finetune.evaluation.predictions
    model = open_trained(asked.home.model(1))
    reader = ImageReader(images, model.preprocessing)
    (batch,) = reader.batches([SnapshotImage(p.sha256, p.label, "test", p.path) for p in said], len(said))
    found = softmax(model.forward(normalise(batch.pixels, model.preprocessing)))
    assert found == pytest.approx(np.array([p.probabilities for p in said]), abs=1e-5)
