from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from jobs.config import Config
from jobs.home import Home
from jobs.predict import ON_THIS_MACHINE, check_sorting
from jobs.predict_urls import places_of
from pipeline.errors import BadImage, BadSettings
from pipeline.layout import is_ignored
from tests.pipeline.pictures import save_picture
from tests.web_folder import served


def test_a_url_stands_for_what_lies_below_it_or_for_one_object(tmp_path: Path) -> None:
    url = f"memory://{uuid4().hex}/inbox"
    names = ("a b.jpg", "more/c.jpg", ".hidden/d.jpg", "e.jpg.part")
    for number, name in enumerate(names):
        fsspec.filesystem("memory").pipe_file(f"{url}/{name}", bytes([number]))
    save_picture(tmp_path / "here" / "f.jpg", 1)
    words = [f"{url}/".encode(), f"{url}/more/c.jpg".encode(), f"file://{tmp_path}/here".encode(), b"g.jpg"]
    places = places_of(Home(tmp_path), Config, words)
    here = str(tmp_path / "here" / "f.jpg")
    assert [path.decode() for path in places.paths(words)] == [
        *(f"{url}/{name}" for name in names if not is_ignored(name.encode())),
        f"{url}/more/c.jpg",
        here,
        "g.jpg",
    ]
    assert [places.read(f"{url}/{name}".encode()) for name in names[:2]] == [b"\0", b"\1"]
    assert places.read(here.encode()) == Path(here).read_bytes()
    with pytest.raises(BadImage, match="vanished"):
        places.read(f"{url}/nothing.jpg".encode())


def test_without_a_url_nothing_is_opened_and_a_url_with_a_password_is_refused(tmp_path: Path) -> None:
    assert places_of(Home(tmp_path), Config, [b"photos", b"*.jpg"]) is ON_THIS_MACHINE
    places = places_of(Home(tmp_path), Config, [b"-"])
    with pytest.raises(BadSettings, match="a URL to classify has a user name or password in it"):
        list(places.paths([b"s3://key:secret@bucket/x"]))
    with pytest.raises(BadSettings, match=r"copies files of this machine, and s3://bucket/x is none"):
        check_sorting(tmp_path, None, [b"s3://bucket/x"])


def test_a_server_that_leads_in_circles_is_followed_so_far_and_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.predict_urls.DEEPEST", 1)
    save_picture(tmp_path / "photos" / "a.jpg", 1)
    (tmp_path / "photos" / "round").symlink_to(".")
    with served(tmp_path) as web:
        places = places_of(Home(tmp_path), Config, [web.url.encode()])
        found = [path.decode().removeprefix(web.url) for path in places.paths([web.url.encode()])]
    assert sorted(found) == ["/a.jpg", "/round/a.jpg", "/round/round/a.jpg", "/round/round/round"]
