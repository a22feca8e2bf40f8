"""Which model predict opens, and that it is the one that was recorded."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.champion import promote_by_hand
from jobs.predict import open_classifier
from pipeline.errors import CannotPromote, WeightsError
from pipeline.manifest import MANIFEST
from tests.jobs.stored_homes import add_run, make_home, record_description
from tests.pipeline.published import publish


def test_a_model_whose_description_was_changed_predicts_no_more_and_is_not_promoted(tmp_path: Path) -> None:
    home, sessions = make_home(tmp_path / "home")
    run_id = add_run(home, sessions)
    record_description(home, run_id)
    file = home.model(run_id) / MANIFEST
    file.write_text(json.dumps({**json.loads(file.read_text()), "temperature": 9.0}))
    with pytest.raises(WeightsError, match=r"model\.json has changed since it was written"):
        open_classifier(home, run_id)
    with pytest.raises(CannotPromote, match=r"model\.json has changed"):
        promote_by_hand(home, run_id, "by hand")


def test_a_given_model_is_opened_without_any_database(tmp_path: Path) -> None:
    publish(tmp_path / "run")
    program = f"""
import sys
from pathlib import Path
import jobs.predict
from pipeline.trained_model import open_stranger
model = open_stranger(Path({str(tmp_path / "run")!r}))
print(model.run_id, "sqlalchemy" in sys.modules, "mxnet" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "1 False False\n"
