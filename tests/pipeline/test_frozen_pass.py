"""Frozen layers over images: from the cache, and from the engine."""

import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.decode import normalise
from pipeline.engine_settings import FrozenSettings
from pipeline.errors import Interrupted
from pipeline.features import compute_features
from pipeline.frozen_key import block_digest, row_shape, table_key
from pipeline.frozen_pass import FrozenRows, run_frozen
from pipeline.network import split_features
from pipeline.records import SnapshotImage
from pipeline.runtime import mx
from pipeline.training_data import TrainingData
from tests.pipeline.test_engine import NotExported, WronglyExported
from tests.pipeline.training import AROUND, classic, data_of, small_backbone, small_network

BATCH = 8
PLENTY = 10**9


@pytest.fixture
def images(drawn: Path, tmp_path: Path) -> Path:
    """Return a copy of the drawn images that a test may change."""
    shutil.copytree(drawn, tmp_path / "images")
    return tmp_path / "images"


def settings(tmp_path: Path, engine: str = "auto", cache_bytes: int = PLENTY) -> FrozenSettings:
    return FrozenSettings(engine, tmp_path / "cache", cache_bytes, "a processor")


def passed(
    data: TrainingData,
    chosen: FrozenSettings,
    block: Any = None,
    images: tuple[SnapshotImage, ...] | None = None,
    **around: Any,
) -> FrozenRows:
    block = small_network().features if block is None else block
    images = data.train if images is None else images
    return run_frozen(block, images, data.reader, BATCH, replace(AROUND, **around), chosen)


def texts(rows: FrozenRows) -> list[str]:
    return [note.text for note in rows.notes]


def rows_files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache").glob("*/*.rows"))


def test_features_come_from_the_cache_when_the_files_are_gone(images: Path, tmp_path: Path) -> None:
    data = data_of(images, small_backbone())
    first = passed(data, settings(tmp_path))
    shutil.rmtree(images)
    second = passed(data, settings(tmp_path))
    assert second.found.all()
    assert (second.values == first.values).all()
    assert texts(first)[1:] == ["features: 0 of 24 images from the cache"]
    assert texts(second) == [texts(first)[0], "features: 24 of 24 images from the cache"]


def test_only_new_images_are_computed(images: Path, tmp_path: Path) -> None:
    data = data_of(images, small_backbone())
    passed(data, settings(tmp_path), images=data.train[:20])
    shown: list[tuple[str, int, int]] = []
    added = passed(data, settings(tmp_path), progress=lambda *told: shown.append(told))
    assert texts(added)[1] == "features: 20 of 24 images from the cache"
    assert shown == [("features", 4, 4)]
    assert (added.values == passed(data, FrozenSettings()).values).all()


def test_the_engines_agree_and_keep_their_rows_apart(images: Path, tmp_path: Path) -> None:
    data = data_of(images, small_backbone())
    fast, slow = (passed(data, settings(tmp_path, engine)) for engine in ("onnxruntime", "mxnet"))
    assert texts(fast)[0].startswith("features: ONNX Runtime ")
    assert texts(slow)[0] == f"features: MXNet {mx.__version__}, as the setting engine says"
    assert texts(slow)[1] == "features: 0 of 24 images from the cache"
    assert np.abs(fast.values - slow.values).max() <= 1e-5 * np.abs(slow.values).max()


def test_rows_over_mirror_images_are_means_and_are_kept_apart(images: Path, tmp_path: Path) -> None:
    data = data_of(images, small_backbone())
    block = small_network().features

    def rows(test_time_flip: bool) -> FrozenRows:
        chosen = settings(tmp_path, "onnxruntime")
        return run_frozen(
            block, data.train, data.reader, BATCH, AROUND, chosen, test_time_flip=test_time_flip
        )

    plain, found, again = rows(False), rows(True), rows(True)
    batch = next(data.reader.batches(data.train, len(data.train)))
    mirrored = block(mx.nd.array(normalise(batch.pixels[:, :, ::-1], data.reader.preprocessing))).asnumpy()
    assert np.abs(plain.values - mirrored).max() > 0.1 * np.abs(mirrored).max()
    assert found.values == pytest.approx((plain.values + mirrored) / 2, abs=1e-5 * np.abs(mirrored).max())
    assert texts(found)[1] == "features: 0 of 24 images from the cache"
    assert texts(again)[1] == "features: 24 of 24 images from the cache"
    assert (again.values == found.values).all()


@pytest.mark.parametrize(
    ("block", "reason"),
    [(WronglyExported(), "differs from it by at most"), (NotExported(), "ONNX Runtime failed")],
)
@pytest.mark.parametrize("engine", ["auto", "onnxruntime"])
def test_without_agreement_all_rows_are_mxnets_and_a_note_says_why(
    images: Path, tmp_path: Path, block: Any, reason: str, engine: str
) -> None:
    data = data_of(images, small_backbone())
    rows = passed(data, settings(tmp_path, engine), block)
    mxnet = passed(data, FrozenSettings("mxnet"), block)
    assert (rows.values == mxnet.values).all()
    assert texts(rows)[0].startswith("features: MXNet, since ")
    assert reason in texts(rows)[0]
    assert len(rows_files(tmp_path)) == 1


def test_a_disagreement_later_on_takes_no_row_of_the_other_engine(images: Path, tmp_path: Path) -> None:
    data = data_of(images, small_backbone())
    block = small_network().features
    passed(data, settings(tmp_path), block, data.train[:8])
    kept = np.fromfile(rows_files(tmp_path)[0], np.uint8)
    # The rows that are there become those of a network that is exported wrongly.
    wrong = WronglyExported()
    key = table_key(block_digest(wrong), data.reader.preprocessing, "onnxruntime", "cpu(0)", "a processor")
    (tmp_path / "cache" / key).mkdir()
    kept.tofile(tmp_path / "cache" / key / "0.rows")
    rows = passed(data, settings(tmp_path), wrong)
    assert (rows.values == passed(data, FrozenSettings("mxnet"), wrong).values).all()
    assert texts(rows)[1] == "features: 0 of 24 images from the cache"


def test_a_choice_is_kept_beside_the_cache_and_holds(images: Path, tmp_path: Path) -> None:
    data = data_of(images, small_backbone())
    passed(data, settings(tmp_path))
    (file,) = (tmp_path / "cache" / "engines").iterdir()
    assert json.loads(file.read_text())[0] == "onnxruntime"
    file.write_text(json.dumps(["mxnet", "MXNet, since ONNX Runtime 1 is clearly slower here"]))
    rows = passed(data, settings(tmp_path))
    assert texts(rows)[0] == "features: MXNet, since ONNX Runtime 1 is clearly slower here"
    assert (rows.values == passed(data, FrozenSettings("mxnet")).values).all()


def test_passes_that_share_their_settings_compare_the_engines_once(images: Path, tmp_path: Path) -> None:
    data = data_of(images, small_backbone())
    shared = replace(settings(tmp_path), trials={})
    first = passed(data, shared, images=data.train[:8])
    assert shared.trials is not None
    ((digest, trial),) = shared.trials.items()
    assert texts(first)[0] == f"features: {trial.sentence}"
    shared.trials[digest] = replace(trial, sentence="as it was found before")
    second = passed(data, shared)
    assert texts(second)[:2] == [
        "features: as it was found before",
        "features: 8 of 24 images from the cache",
    ]
    assert (second.values == passed(data, FrozenSettings()).values).all()
    other = passed(data, replace(shared, cache=None, cache_bytes=0), small_network(seed=1).features)
    assert texts(other)[0] != "features: as it was found before"


def test_other_weights_or_another_boundary_or_other_pixels_are_computed_anew(
    images: Path, tmp_path: Path
) -> None:
    data = data_of(images, small_backbone())
    network = small_network()
    passed(data, settings(tmp_path), network.features)
    trunk, _ = split_features(network, small_backbone().tail_start)
    squashed = replace(data.reader.preprocessing, interpolation="bicubic")
    other_pixels = replace(data, reader=replace(data.reader, preprocessing=squashed))
    for changed, block in (
        (data, small_network(seed=1).features),
        (data, trunk),
        (other_pixels, network.features),
    ):
        assert texts(passed(changed, settings(tmp_path), block))[1].startswith("features: 0 of 24 ")
    assert texts(passed(data, settings(tmp_path), small_network().features))[1].startswith(
        "features: 24 of 24 "
    )


def test_the_digest_is_of_what_is_computed_and_not_of_names() -> None:
    assert block_digest(small_network().features) == block_digest(small_network().features)
    used = small_network().features
    assert block_digest(used) == block_digest(used)
    assert row_shape(small_network().features, 64) == (256,)
    changed = small_network().features
    weight = changed[0].weight.data()
    weight[0, 0, 0, 0] += 1e-3
    assert block_digest(changed) != block_digest(small_network().features)


def test_an_interrupted_pass_goes_on_where_it_was(images: Path, tmp_path: Path) -> None:
    data = data_of(images, small_backbone())

    def stop_after(batches: int) -> Callable[[], None]:
        calls = iter(range(batches))

        def check() -> None:
            if next(calls, None) is None:
                raise Interrupted(signal.SIGTERM)

        return check

    with pytest.raises(Interrupted):
        passed(data, settings(tmp_path), check_stop=stop_after(1 + 2))  # before the engines are compared, too
    rows = passed(data, settings(tmp_path))
    assert texts(rows)[1] == "features: 16 of 24 images from the cache"


def test_a_flipped_byte_is_noticed_and_the_row_is_computed_again(images: Path, tmp_path: Path) -> None:
    data = data_of(images, small_backbone())
    first = passed(data, settings(tmp_path))
    (file,) = rows_files(tmp_path)
    content = bytearray(file.read_bytes())
    content[5000] ^= 0x40
    file.write_bytes(content)
    again = passed(data, settings(tmp_path))
    assert (again.values == first.values).all()
    assert texts(again)[1] == "features: 23 of 24 images from the cache"
    assert texts(again)[2].endswith("1 damaged records are not used")


def test_a_cache_that_is_deleted_in_the_middle_changes_nothing(images: Path, tmp_path: Path) -> None:
    data = data_of(images, small_backbone())
    expected = passed(data, FrozenSettings())
    rows = passed(data, settings(tmp_path), progress=lambda *_: shutil.rmtree(tmp_path / "cache"))
    assert (rows.values == expected.values).all()
    assert rows.found.all()


def test_a_cache_that_cannot_be_written_is_a_note(images: Path, tmp_path: Path) -> None:
    data = data_of(images, small_backbone())
    (tmp_path / "cache").write_text("a file in the way")
    rows = passed(data, settings(tmp_path))
    assert rows.found.all()
    assert f"features: cache {tmp_path / 'cache'}: nothing more is kept, since " in texts(rows)[-1]


def test_a_cache_of_nothing_is_emptied_and_not_used(images: Path, tmp_path: Path) -> None:
    data = data_of(images, small_backbone())
    passed(data, settings(tmp_path))
    rows = passed(data, settings(tmp_path, cache_bytes=0))
    assert not (tmp_path / "cache").exists()
    assert len(rows.notes) == 1


def test_an_image_that_cannot_be_read_is_left_out_and_costs_no_engine(images: Path, tmp_path: Path) -> None:
    data = data_of(images, small_backbone())
    passed(data, settings(tmp_path))
    missing = SnapshotImage("0" * 64, "cat", "train", b"train/cat/no.jpg")
    rows = passed(data, settings(tmp_path), images=(missing, *data.train))
    assert rows.found.tolist() == [False] + [True] * 24
    assert texts(rows)[1] == "features: 24 of 25 images from the cache"


def test_both_splits_are_parted_again_also_at_the_boundary(images: Path, tmp_path: Path) -> None:
    data = data_of(images, small_backbone())
    at, network = small_backbone().tail_start, small_network()
    (images / "test" / "cat").rename(images / "test" / "cats")
    pooled = compute_features(network, at, data, classic(), AROUND, settings(tmp_path))
    assert {image.label for image in pooled.test.images} == {"dog"}
    assert pooled.train.images == data.train
    for _ in range(2):
        both = compute_features(network, at, data, classic(last_stage_epochs=1), AROUND, settings(tmp_path))
        assert both.train.boundary.shape[:2] == (24, 128)
        assert (
            np.abs(both.train.pooled - pooled.train.pooled).max() <= 1e-4 * np.abs(pooled.train.pooled).max()
        )
        assert both.test.labels.tolist() == [1] * 6
    assert both.notes[1].text == "features: 30 of 36 images from the cache"
