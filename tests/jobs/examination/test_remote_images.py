from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from jobs.examination import remote_images
from jobs.examination.home import examine_home, examine_images
from pipeline.remote.folder import RemoteFolder


@pytest.fixture
def images() -> RemoteFolder:
    folder = RemoteFolder(f"memory://{uuid4().hex}/photos")
    for name in ("cat/1.jpg", "cat/2.jpg", "dog/3.jpg", "dog/.hidden"):
        fsspec.filesystem("memory").pipe_file(f"{folder}/{name}", b"x")
    return folder


def test_a_store_that_answers_is_counted(images: RemoteFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    (check,) = examine_images(images)
    assert (check.status, check.message) == (
        "ok",
        f"image folder {images} can be read: 3 objects of the classes cat, dog",
    )
    monkeypatch.setattr(remote_images, "MOST", 2)
    assert "2 objects and more of the classes" in examine_images(images)[0].message


def test_a_store_without_objects_or_without_an_answer_is_a_problem(images: RemoteFolder) -> None:
    for number, name in enumerate(("cat/1.jpg", "cat/2.jpg", "dog/3.jpg")):
        fsspec.filesystem("memory").rm_file(f"{images}/{name}")
        fsspec.filesystem("memory").pipe_file(f"{images}/{name[:3]}/.{number}", b"x")
    away = RemoteFolder("http://127.0.0.1:1/photos", {}, None)
    checks = [check for folder in (images, away) for check in examine_images(folder)]
    assert [check.status for check in checks] == ["problem", "problem"]
    assert "has no object for cat, dog; add images" in checks[0].message
    assert "cannot be reached (no connection" in checks[1].message


def test_a_home_lies_in_no_url(images: RemoteFolder, tmp_path: Path) -> None:
    here = replace(images, url=f"memory://{tmp_path.parent}")
    assert "problem" not in {check.status for check in examine_home(tmp_path, here, 1)}
