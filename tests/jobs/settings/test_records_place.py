"""Where the records lie is known before all other settings, and beside faults in them."""

from pathlib import Path

import pytest

from db.place import in_words
from jobs.settings.load import load_settings
from jobs.settings.records_place import place_of_records
from jobs.settings.rows import rows_of
from pipeline.errors import BadSettings

ON_SERVER = 'database_url = "postgresql://me:s3cret@host/whisker"\n'
DEFAULT = Path("home/whisker.db")


def place(folder: Path, text: str, **environment: str) -> str:
    file = folder / "whisker.toml"
    file.write_text(text)
    return in_words(place_of_records(file, DEFAULT, environment))


def test_it_is_a_file_of_the_home_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    assert place_of_records(tmp_path / "none" / "whisker.toml", DEFAULT, {}) == DEFAULT
    assert place(tmp_path, "seed = 1") == str(DEFAULT)
    assert place(tmp_path, ON_SERVER) == "postgresql://me:***@host/whisker"
    assert place(tmp_path, 'database_url = "sqlite:///other.db"') == str(tmp_path / "other.db")


def test_the_environment_wins_also_by_saying_nothing(tmp_path: Path) -> None:
    there = "postgresql://host/there"
    assert place(tmp_path, ON_SERVER, WHISKER_DATABASE_URL=there) == there
    assert place(tmp_path, ON_SERVER, WHISKER_DATABASE_URL="") == str(DEFAULT)


@pytest.mark.parametrize("fault", ["sed = 1\n", "seed = \n"], ids=["unknown name", "no TOML"])
def test_a_fault_elsewhere_hides_it_only_where_it_could_be_mistaken(tmp_path: Path, fault: str) -> None:
    assert place(tmp_path, fault) == str(DEFAULT)
    if "sed " in fault:
        assert place(tmp_path, ON_SERVER + fault) == "postgresql://me:***@host/whisker"
    else:
        with pytest.raises(BadSettings, match="line 2"):
            place(tmp_path, ON_SERVER + fault)


def test_the_password_is_not_shown_among_the_settings(tmp_path: Path) -> None:
    (tmp_path / "whisker.toml").write_text(ON_SERVER)
    loaded = load_settings(tmp_path / "whisker.toml", {})
    (row,) = [row for row in rows_of(loaded) if row.name == "database_url"]
    assert row.value == "postgresql://me:***@host/whisker"
    assert "s3cret" not in repr(loaded.config)


def test_a_bare_path_is_rather_a_slip_in_an_address(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="database_url is no address; write postgresql://"):
        place(tmp_path, "", WHISKER_DATABASE_URL="localhost/whisker")


def test_an_address_that_cannot_be_used_is_told_with_its_line_and_without_itself(tmp_path: Path) -> None:
    (tmp_path / "whisker.toml").write_text('database_url = "postgresql://me:s3cret@host"')
    with pytest.raises(BadSettings, match=r"line 1: database_url names no database") as refused:
        load_settings(tmp_path / "whisker.toml", {})
    assert "s3cret" not in str(refused.value)
