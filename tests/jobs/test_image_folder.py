"""The settings of an image folder that is a URL."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs import extras
from jobs.home import Home
from jobs.image_folder import recorded_folder
from jobs.new_home import settings_text
from jobs.settings.load import load_config, load_settings
from jobs.settings.rows import rows_of
from pipeline.errors import BadSettings
from pipeline.remote.folder import RemoteFolder


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """Return what writes whisker.toml."""

    def write(text: str) -> Path:
        file = tmp_path / "whisker.toml"
        file.write_text(text)
        file.chmod(0o600)
        return file

    return write


WAYS = {
    "the file": ('images = "S3://bucket/photos/"', {}, {}),
    "the environment": ("", {"WHISKER_IMAGES": "s3://bucket/photos/"}, {}),
    "the command line": ("", {}, {"images": "s3://bucket/photos"}),
    "the file that init writes": (settings_text(RemoteFolder("s3://bucket/photos")), {}, {}),
}


@pytest.mark.parametrize(("text", "environment", "options"), WAYS.values(), ids=WAYS)
def test_a_url_may_be_given_wherever_a_path_may(
    written: Callable[[str], Path], text: str, environment: dict[str, str], options: dict[str, str]
) -> None:
    assert str(load_config(written(text), environment, **options).images_folder()) == "s3://bucket/photos"


def test_an_address_of_this_machine_is_a_path(written: Callable[[str], Path], tmp_path: Path) -> None:
    assert load_config(written(f'images = "file://{tmp_path}/a%20b"'), {}).images == tmp_path / "a b"


FAULTS = {
    "s3://key:hush@bucket/photos": "line 1: images = 's3://***@bucket/photos' has a user name or password",
    "http://host/photos?token=hush": "'http://host/photos?***' is not the address of a folder: it has a ?",
    "nothing://bucket": "images = 'nothing://bucket' has 'nothing' in front, which fsspec does not know",
    "gs://bucket": "line 1: images = 'gs://bucket' needs the package gcsfs; run `pip install gcsfs`",
}


@pytest.mark.parametrize(("url", "sentence"), FAULTS.items())
def test_a_url_that_cannot_be_read_is_a_sentence_without_its_password(
    written: Callable[[str], Path], url: str, sentence: str
) -> None:
    with pytest.raises(BadSettings) as fault:
        load_config(written(f"images = '{url}'"), {})
    assert sentence in str(fault.value)
    assert "hush" not in str(fault.value)


@pytest.mark.parametrize(("url", "extra"), [("s3://bucket", "s3"), ("http://host/photos", "urls")])
def test_where_the_packages_are_not_installed_the_extra_is_named(
    written: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, url: str, extra: str
) -> None:
    monkeypatch.setitem(extras.PACKAGES, extra, ("no_such_package",))
    with pytest.raises(BadSettings, match=rf"needs the package no_such_package; run .*'whisker\[{extra}\]'"):
        load_config(written(f"images = '{url}'"), {})


def test_options_are_read_from_a_file_and_shown_nowhere(
    written: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "options.toml").write_text('secret = "hush-hush"\n[client_kwargs]\nregion_name = "eu"\n')
    (tmp_path / "options.toml").chmod(0o600)
    file = written('images = "s3://bucket/photos"\nimages_options_file = "options.toml"')
    loaded = load_settings(file, {})
    folder = loaded.config.images
    assert isinstance(folder, RemoteFolder)
    assert folder.options == {"secret": "hush-hush", "client_kwargs": {"region_name": "eu"}}
    assert recorded_folder("s3://bucket/photos", Home(tmp_path)) == folder
    shown = json.dumps([row.value for row in rows_of(loaded)])
    assert '"s3://bucket/photos"' in shown
    assert "hush" not in shown + repr(loaded.config)


def test_options_that_cannot_be_read_are_a_sentence(written: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "options.toml").write_text("secret hush")
    (tmp_path / "options.toml").chmod(0o600)
    file = written('images = "s3://bucket/photos"\nimages_options_file = "options.toml"')
    with pytest.raises(BadSettings, match=r"options.toml, line 1: "):
        load_config(file, {})
    (tmp_path / "options.toml").chmod(0o666)
    with pytest.raises(BadSettings, match=r"options.toml may be written by every user"):
        load_config(file, {})


def test_the_cache_of_copies_is_bounded_by_its_setting(written: Callable[[str], Path]) -> None:
    text = 'images = "s3://bucket/photos"\nimages_cache_gb = '
    one, none = (load_config(written(f"{text}{size}"), {}).images for size in (1, 0))
    assert isinstance(one, RemoteFolder) and one.cache
    assert isinstance(none, RemoteFolder) and none.cache is None
