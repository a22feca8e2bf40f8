"""Real cycles on images at a URL."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from jobs.preparation import Request
from jobs.serving.pictures import picture_of
from pipeline.errors import ImagesUnreachable
from pipeline.records import Cycle, EpochMetrics
from pipeline.remote.entries import Entry, Store
from pipeline.remote.folder import RemoteFolder
from pipeline.remote.object_cache import ObjectCache
from tests.jobs.cycles import cycles, request, run
from tests.pipeline.pictures import save_picture
from tests.pipeline.remote.stores import HASTY
from tests.processes import command
from tests.s3_server import S3Server
from tests.web_folder import answering, served


@pytest.fixture
def in_memory(drawn: Path, tmp_path: Path) -> RemoteFolder:
    """Return the drawn images as objects in the memory of this process."""
    url = f"memory://{uuid4().hex}/photos"
    fsspec.filesystem("memory").put(str(drawn), url, recursive=True)
    return RemoteFolder(url, {}, ObjectCache(tmp_path / "there" / "home" / "cache" / "objects", 10**8), HASTY)


def numbers(cycle: Cycle) -> tuple[str, list[EpochMetrics]]:
    assert cycle.snapshot and cycle.finetune
    return cycle.snapshot.digest, [replace(epoch, seconds=0) for epoch in cycle.finetune.run.epochs]


def test_a_cycle_finds_what_it_finds_in_a_folder_and_reads_nothing_twice(
    in_memory: RemoteFolder, finished_once: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    read = type(in_memory.store).read

    def counted(store: Store, path: str, max_bytes: int) -> tuple[Entry, bytes]:
        asked.append(path)
        return read(store, path, max_bytes)

    monkeypatch.setattr(type(in_memory.store), "read", counted)
    there = request(tmp_path / "there", in_memory)
    first = run(there)
    assert [numbers(cycle) for cycle in cycles(there)] == [numbers(cycle) for cycle in cycles(finished_once)]
    assert len(asked) == len(set(asked)) == 36
    assert cycles(there)[0].images_folder == str(in_memory)
    images = first.look.snapshot.images if first.look.snapshot else ()
    assert all(picture_of(there.home, image.sha256, 64) for image in images)  # also of those no page shows
    again = replace(there, if_changed=True)
    with monkeypatch.context() as away:
        away.setattr(type(in_memory.store), "_list", lambda *_: (_ for _ in ()).throw(ConnectionError()))
        with pytest.raises(ImagesUnreachable, match="no connection: ConnectionError"):
            run(again)
    look = run(again).look
    assert (look.would_run, look.scanned.gone_paths, look.changes) == (False, (), ())
    save_picture(tmp_path / "new.jpg", 77)
    fsspec.filesystem("memory").put(str(tmp_path / "new.jpg"), f"{in_memory}/train/cat/new.jpg")
    outcome = run(again)
    assert outcome.cycle
    assert outcome.look.summary.total("train") == 25
    assert asked[36:] == ["train/cat/new.jpg"]


def away_at(words: str, action: Callable[[], object]) -> Callable[[str, int, int], None]:
    """Return a progress that does something at a stage, once."""
    done: list[object] = []

    def progress(stage: str, _done: int, _total: int) -> None:
        if stage.startswith(words) and not done:
            done.append(action())

    return progress


def test_a_server_that_goes_in_mid_epoch_costs_no_finished_epoch(images: Path, tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    images.rename(tmp_path / "www" / "photos")

    def asked(url: str, home: str) -> Request:
        folder = RemoteFolder(url, {}, None, HASTY)
        return request(tmp_path / home, folder, trains="all layers", epochs=2, name="classic")

    with served(tmp_path / "www") as web:
        port = web.server_port
        run(asked(web.url, "whole"))

        def fail() -> None:
            web.faults.append(answering(503, ""))

        with pytest.raises(ImagesUnreachable, match="the server answers 503"):
            run(asked(web.url, "cut"), progress=away_at("epoch 2", fail))
        (failed,) = cycles(asked(web.url, "cut"))
        assert failed.status == "interrupted"
        assert failed.finetune is None or len(failed.finetune.run.epochs) == 1
    with pytest.raises(ImagesUnreachable):  # no connection; or one that was kept still answers 503
        run(asked(web.url, "cut"))
    with served(tmp_path / "www", port) as web:
        run(asked(web.url, "cut"))
        whole, cut = (cycles(asked(web.url, home)) for home in ("whole", "cut"))
    assert [numbers(cycle) for cycle in cut] == [numbers(cycle) for cycle in whole]


def test_the_program_works_on_a_server_that_speaks_s3(
    s3: S3Server, drawn: Path, quickly: dict[str, str], tmp_path: Path
) -> None:
    files = {str(path.relative_to(drawn)): path.read_bytes() for path in drawn.rglob("*") if path.is_file()}
    url = s3.put(files)
    access = {
        "AWS_ENDPOINT_URL": s3.options["endpoint_url"],
        "AWS_ACCESS_KEY_ID": s3.options["key"],
        "AWS_SECRET_ACCESS_KEY": s3.options["secret"],
        "AWS_DEFAULT_REGION": "us-east-1",
    }

    def whisker(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        line = command("--home", tmp_path / "home", *words)
        return subprocess.run(
            line, env=quickly | access | more, capture_output=True, text=True, check=False, cwd=tmp_path
        )

    made = whisker("init", "--images", f"{url}/")
    assert (made.returncode, "for the classes cat, dog" in made.stdout) == (0, True), made.stderr
    cycle = whisker("--json", "run-now", "--no-baseline", "--set", "epochs=1")
    assert cycle.returncode == 0, cycle.stderr
    assert json.loads(cycle.stdout)["snapshot"]["train"] == 24
    page = (tmp_path / "home" / "reports" / "cycle-0001.html").read_text()
    assert f"--images {url}" in page
    away = whisker("run-now", "--if-changed", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert away.returncode == 1
    assert "cannot be reached (no connection: EndpointConnectionError)" in away.stderr
    texts = [path.read_text(errors="replace") for path in (tmp_path / "home").rglob("*.log")]
    assert not any("not-shown" in text for text in [*texts, page, away.stderr])
