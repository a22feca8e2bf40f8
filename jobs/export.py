"""Give a model away: the bundle of a run as one zip file, or as an ONNX file that was compared with MXNet."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from db import store
from db.session import open_read_only
from jobs.compared_images import Comparison, images_of_folder, images_of_test
from jobs.home import Home
from jobs.image_folder import recorded_folder
from jobs.published import Published, published_model
from jobs.stop import StopFlag
from pipeline.errors import BadSettings
from pipeline.evaluate import Progress
from pipeline.image_folder import ImageFolder
from pipeline.packed_model import pack
from pipeline.parity import Measured
from pipeline.publish import sha256_of

Form = Literal["onnx", "params"]


@dataclass(frozen=True)
class Wanted:
    """What somebody asked for."""

    form: Form
    run_id: int | None = None  # None: the champion
    output: Path | None = None  # a file or a folder; None: the current folder
    with_preprocessing: bool = False  # inside of the ONNX file
    images: Path | None = None  # to compare on, in place of the run's test images
    force: bool = False  # replace what is there


@dataclass(frozen=True)
class Given:
    """A file that was written."""

    run_id: int
    form: Form
    file: Path
    size: int  # bytes
    sha256: str
    opset: int | None = None  # of an ONNX file
    measured: Measured | None = None  # of an ONNX file
    compared_on: str = ""  # which images, in words
    unreadable: Mapping[bytes, str] = field(default_factory=dict)  # of these images: why not


def export(home: Home, wanted: Wanted, flag: StopFlag, progress: Progress) -> Given:
    """Write the file; where that fails there is none, or still the one that was there before.

    Raises:
        NoSuchRecord: there is no such run, or it has no model.
        BadSettings: the file is there already, or must not be written where it was asked for.
        WeightsError: the model is damaged.
        CannotExport: the ONNX file would not say what the model says, or nobody can find out.
    """
    found = published_model(home, wanted.run_id)
    with open_read_only(home.records)() as session:
        images_folder = recorded_folder(store.images_folder_of(session, found.run_id), home)
    target = _target(wanted, found, images_folder)
    if wanted.form == "params":
        pack(found.folder, target, found.manifest_sha256)
        return _given(found, wanted, target)
    from jobs.export_onnx import write_onnx
    from pipeline.onnx_nodes import OPSET

    if wanted.images is None:
        with open_read_only(home.records)() as session:
            tested = store.tested_images(session, found.run_id)
        on = Comparison("test images", images_of_test(images_folder, tested), flag.check, progress)
    else:
        called = f"files in {wanted.images}"
        on = Comparison(called, images_of_folder(wanted.images), flag.check, progress)
    measured = write_onnx(found, target, on, with_preprocessing=wanted.with_preprocessing)
    given = _given(found, wanted, target)
    return replace(
        given, opset=OPSET, measured=measured, compared_on=on.called, unreadable=dict(on.unreadable)
    )


def _given(found: Published, wanted: Wanted, target: Path) -> Given:
    return Given(found.run_id, wanted.form, target, target.stat().st_size, sha256_of(target))


def _target(wanted: Wanted, found: Published, images_folder: ImageFolder) -> Path:
    """Return where the file goes, if it may go there."""
    more = "-with-preprocessing" if wanted.with_preprocessing else ""
    name = f"whisker-run-{found.run_id:04d}{more}.{'onnx' if wanted.form == 'onnx' else 'zip'}"
    target = (wanted.output or Path(name)).absolute()
    if target.is_dir():
        target /= name
    if os.path.lexists(target) and not wanted.force:
        raise BadSettings(f"{target} is there already; --force replaces it, --output names another file")
    if isinstance(images_folder, Path) and target.resolve().is_relative_to(images_folder.resolve()):
        raise BadSettings(
            f"{target} lies in the image folder, which is never written to; choose another --output"
        )
    return target
