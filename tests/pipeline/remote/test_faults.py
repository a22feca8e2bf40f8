"""What a server may do to a look: each fault by a real server that misbehaves."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import BadImage, ImagesUnreachable, NoImagesFolder
from pipeline.image_folder import read_from
from pipeline.remote import folder as folder_module
from pipeline.remote import walk
from pipeline.remote.folder import RemoteFolder
from pipeline.remote.object_cache import ObjectCache
from pipeline.scan import scan
from pipeline.scan_result import NOTHING_KNOWN, ScanResult
from tests.pipeline.pictures import save_picture
from tests.pipeline.remote.stores import HASTY
from tests.web_folder import Fault, WebFolder, answering, before_reading, cutting_off, reading, served, silent

ONE = "cat/0.jpg"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebFolder]:
    for number in range(6):
        save_picture(tmp_path / "www" / "photos" / ("cat", "dog")[number % 2] / f"{number}.jpg", number)
    with served(tmp_path / "www") as server:
        yield server


def looked(web: WebFolder, tmp_path: Path) -> ScanResult:
    folder = RemoteFolder(web.url, {}, ObjectCache(tmp_path / "objects", 10**8), HASTY)
    return scan(folder, NOTHING_KNOWN, settle_seconds=0)


def problems(result: ScanResult) -> dict[bytes, str | None]:
    return {state.path: state.problem for state in result.changed_files if state.problem}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_tried_again(web: WebFolder, tmp_path: Path, status: int) -> None:
    web.faults += [answering(status, ONE, times=2), answering(status, "/dog/", times=2)]
    result = looked(web, tmp_path)
    assert (len(result.changed_files), problems(result)) == (6, {})


OF_ONE = {
    "no permission": ([answering(403, ONE)], "permission denied"),
    "a refused request": ([answering(400, ONE)], "a request that the server refuses"),
    "always cut off": ([cutting_off(ONE)], "the server's answer was cut off"),
    "a broken object": ([answering(500, ONE)], "the server answers 500"),
    "somewhere else": ([answering(302, ONE)], "the server answers 302"),
}


@pytest.mark.parametrize(("faults", "reason"), OF_ONE.values(), ids=OF_ONE)
def test_what_one_object_alone_does_not_give_is_its_quarantine(
    web: WebFolder, tmp_path: Path, faults: list[Fault], reason: str
) -> None:
    # The question for its size is answered, so that the fault is met in reading.
    web.faults += map(reading, faults)
    result = looked(web, tmp_path)
    assert problems(result) == {b"cat/0.jpg": reason}
    assert result.digests[b"cat"] is None  # so it is tried again by each look
    web.faults.clear()
    assert problems(looked(web, tmp_path)) == {}


def test_an_object_that_may_not_even_be_asked_for_is_in_quarantine(web: WebFolder, tmp_path: Path) -> None:
    web.faults.append(answering(403, ONE))
    assert problems(looked(web, tmp_path)) == {b"cat/0.jpg": "permission denied"}


OF_ALL = {
    "throttling": (lambda web: web.faults.append(reading(answering(503, ONE))), "the server answers 503"),
    "a list that is not given": (lambda web: web.faults.append(answering(503, "/dog/")), "answers 503"),
    "a list that is cut off": (lambda web: web.faults.append(cutting_off("/dog/")), "was cut off"),
    "away before it": (WebFolder.server_close, "no connection"),
}


@pytest.mark.parametrize(("break_", "reason"), OF_ALL.values(), ids=OF_ALL)
def test_a_server_that_is_away_ends_the_look_in_one_sentence(
    web: WebFolder, tmp_path: Path, break_: Callable[[WebFolder], None], reason: str
) -> None:
    break_(web)
    with pytest.raises(ImagesUnreachable, match=rf"cannot be reached \(.*{reason}.*\); check the network"):
        looked(web, tmp_path)


def test_a_look_that_a_server_has_cut_short_goes_on_where_it_was(web: WebFolder, tmp_path: Path) -> None:
    web.faults.append(reading(answering(503, "5.jpg")))
    with pytest.raises(ImagesUnreachable):
        looked(web, tmp_path)
    web.faults.clear()
    web.asked.clear()
    assert len(looked(web, tmp_path).changed_files) == 6
    assert web.read() == ["/photos/dog/5.jpg"]


def test_a_slow_server_is_waited_for_up_to_a_limit(web: WebFolder, tmp_path: Path) -> None:
    from aiohttp import ClientTimeout

    web.faults.append(silent(ONE, 0.3))
    assert len(looked(web, tmp_path).changed_files) == 6
    options = {"client_kwargs": {"timeout": ClientTimeout(sock_read=0.05)}}
    hurried = RemoteFolder(web.url, options, None, replace(HASTY, attempts=1))
    with pytest.raises(BadImage, match="does not answer in time"):
        read_from(hurried, ONE.encode())


def test_an_object_that_changes_while_it_is_read_waits_for_the_next_look(
    web: WebFolder, tmp_path: Path
) -> None:
    place = tmp_path / "www" / "photos" / ONE
    for action in (lambda: save_picture(place, 99), place.unlink):
        web.faults[:] = [before_reading(ONE, action)]
        result = looked(web, tmp_path)
        assert result.settling == (b"cat/0.jpg",)
        assert (len(result.changed_files), result.digest) == (5, None)
        save_picture(place, 50)


def test_a_large_object_is_refused_before_it_is_read(
    web: WebFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "MAX_FILE_BYTES", 2**20)
    (tmp_path / "www" / "photos" / ONE).write_bytes(bytes(2**20 + 1))
    assert problems(looked(web, tmp_path)) == {b"cat/0.jpg": "larger than 1 MiB"}
    assert f"/photos/{ONE}" not in web.read()
    with pytest.raises(BadImage, match="larger than 1 MiB"):
        read_from(RemoteFolder(web.url, {}, None, HASTY), ONE.encode(), "0" * 64)


def test_links_to_elsewhere_are_not_followed(web: WebFolder, tmp_path: Path) -> None:
    photos = tmp_path / "www" / "photos"
    save_picture(tmp_path / "www" / "other" / "cat" / "x.jpg", 7)
    links = (
        "/photos/cat/0.jpg",
        "0.jpg?x=1",
        "../../other/cat/x.jpg",
        "http://127.0.0.1:1/x.jpg",
        "./1.jpg",
        "a%2Fb.jpg",
    )
    page = "".join(f"<a href='{link}'>x</a>" for link in links)
    (photos / "cat" / "index.html").write_text(page)
    save_picture(photos / "cat" / "1.jpg", 8)
    paths = {state.path for state in looked(web, tmp_path).changed_files}
    assert {path for path in paths if path.startswith(b"cat")} == {b"cat/0.jpg", b"cat/1.jpg"}


def test_a_folder_that_may_not_be_listed_is_in_quarantine_and_the_whole_one_is_an_error(
    web: WebFolder, tmp_path: Path
) -> None:
    web.faults.append(answering(403, "/dog/"))
    result = looked(web, tmp_path)
    assert [(q.path, q.reason) for q in result.unreadable_folders] == [(b"dog", "permission denied")]
    web.faults.append(answering(403, "/photos/"))
    with pytest.raises(NoImagesFolder, match=r"cannot be read \(permission denied\); correct its address"):
        looked(web, tmp_path)


def test_a_server_that_leads_in_circles_is_followed_so_far_and_no_further(
    web: WebFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "DEEPEST", 2)
    (tmp_path / "www" / "photos" / "cat" / "round").symlink_to(".")
    result = looked(web, tmp_path)
    assert problems(result) == {b"cat/round/round/round": "lies too many folders deep"}
    assert {state.path for state in result.changed_files if b"0.jpg" in state.path} == {
        b"cat/0.jpg",
        b"cat/round/0.jpg",
        b"cat/round/round/0.jpg",
    }


def test_a_signal_ends_a_long_listing(web: WebFolder, tmp_path: Path) -> None:
    folder = RemoteFolder(web.url, {}, None, HASTY)
    told: list[tuple[int, int]] = []
    stopped = scan(
        folder,
        NOTHING_KNOWN,
        settle_seconds=0,
        progress=lambda *done: told.append(done),
        should_stop=lambda: len(told) > 1,
    )
    assert (stopped.complete, stopped.changed_files, stopped.gone_paths, stopped.digest) == (
        False,
        (),
        (),
        None,
    )
    assert told == [(1, 0), (2, 0)]
    assert web.read() == []
