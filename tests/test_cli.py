"""The command line, as a process of its own wherever it has work to do."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from cli import cli
from db import store
from db.session import open_read_only
from pipeline.calibration import calibrated
from pipeline.records import Run
from tests.conftest import REPOSITORY
from tests.processes import command, read_until, started

QUICK = ("--set", "baseline_epochs=1", "--set", "baseline_images=8")
ENDLESS = ("--set", "baseline_epochs=1000000", "--set", "baseline_images=8")
AT_ONCE = {**os.environ, "WHISKER_SETTLE_SECONDS": "0"}


def whisker(
    *arguments: object, environment: Mapping[str, str] = AT_ONCE
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False, env=environment)


def whisker_in_here(*arguments: object) -> Result:
    """Run the program in this process, where what is tested ends before the work begins."""
    return CliRunner(env=AT_ONCE).invoke(cli, [str(argument) for argument in arguments])


def document(done: "subprocess.CompletedProcess[str]", status: int = 0) -> Any:
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def finished(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Return a home with one finished cycle of the real network, and what `run-now --json` printed."""
    home = tmp_path_factory.mktemp("cli") / "home"
    done = whisker(
        "--home", home, "--json", "run-now", "--images", drawn, "--set", "settle_seconds=0", *QUICK
    )
    assert done.returncode == 2, "settle_seconds is no setting of a recipe"
    return home, document(whisker("--home", home, "--json", "run-now", "--images", drawn, *QUICK))


def test_the_document_of_run_now_has_the_fields_that_others_read(finished: tuple[Path, Any]) -> None:
    _, result = finished
    assert result["status"] == "finished"
    assert result["snapshot"]["classes"] == ["cat", "dog"]
    assert (result["snapshot"]["train"], result["snapshot"]["test"], result["snapshot"]["quarantined"]) == (
        24,
        12,
        0,
    )
    assert re.fullmatch("[0-9a-f]{64}", result["snapshot"]["digest"])
    for kind in ("finetune", "scratch"):
        run = result[kind]
        assert (run["kind"], run["status"], run["backbone"], run["recipe"]) == (
            kind,
            "finished",
            "efficientnet_lite0",
            "fast",
        )
        assert {"device", "test_accuracy", "test_log_loss", "seconds", "images_per_second"} <= set(run)
        assert {"epoch", "train_loss", "train_accuracy", "test_accuracy", "seconds"} <= set(run["epochs"][0])
    assert result["verdict"]["decision"] == "first"
    assert Path(result["report"]).is_file()


def test_runs_and_show_list_and_inspect(finished: tuple[Path, Any]) -> None:
    home, result = finished
    runs = document(whisker("--home", home, "--json", "runs"))["runs"]
    assert [run["kind"] for run in runs] == ["scratch", "finetune"]
    assert "epochs" not in runs[0]
    shown = document(whisker("--home", home, "--json", "show", result["finetune"]["id"]))
    assert shown["epochs"] == result["finetune"]["epochs"]
    assert shown["settings"]["batch_size"] == 32
    assert {"mxnet", "numpy", "python"} <= set(shown["environment"])
    assert [artifact["name"] for artifact in shown["artifacts"]] == [
        "README.md",
        "model.json",
        "network-0000.params",
        "network-symbol.json",
        "network.onnx",
    ]
    people = whisker("--home", home, "show", result["finetune"]["id"])
    assert people.returncode == 0
    assert "efficientnet_lite0" in people.stdout
    assert "efficientnet_lite0" in whisker("--home", home, "runs").stdout


def test_reports_are_rendered_again_with_the_same_bytes(finished: tuple[Path, Any]) -> None:
    home, _ = finished
    pages = {page: page.read_bytes() for page in (home / "reports").iterdir()}
    for page in pages:
        page.unlink()
    assert document(whisker("--home", home, "--json", "report"))["report"] == str(
        home / "reports" / "index.html"
    )
    assert {page: page.read_bytes() for page in (home / "reports").iterdir()} == pages


def test_if_changed_does_nothing_when_nothing_changed(finished: tuple[Path, Any], drawn: Path) -> None:
    home, _ = finished
    again = document(whisker("--home", home, "--json", "run-now", "--images", drawn, "--if-changed"))
    assert (again["status"], again["cycle"]) == ("nothing-new", None)
    people = whisker("--home", home, "run-now", "--images", drawn, "--if-changed")
    assert people.stdout.startswith("Nothing to do: nothing new since the last finished cycle")


def test_scan_says_what_is_there_and_writes_nothing(drawn: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    found = document(whisker("--home", home, "--json", "scan", "--images", drawn))
    assert (found["images"], found["new"], found["gone"], found["quarantined"]) == (36, 36, 0, [])
    assert {"changed", "settling", "would_run", "reason", "seconds"} <= set(found)
    assert "36 images of 2 classes" in whisker("--home", home, "scan", "--images", drawn, "--explain").stdout
    assert not home.exists()


def test_a_read_command_does_not_create_the_database(tmp_path: Path) -> None:
    for words in (("runs",), ("show", 1), ("report",)):
        done = whisker_in_here("--home", tmp_path / "home", *words)
        assert done.exit_code == 1
        assert "run-now" in done.stderr
        assert not (tmp_path / "home").exists()


def test_init_makes_the_settings_and_run_now_uses_them(drawn: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = document(whisker("--home", home, "--json", "init", "--images", drawn))
    assert made["classes"] == ["cat", "dog"]
    assert document(whisker("--home", home, "--json", "scan"))["images"] == 36
    assert whisker_in_here("--home", home, "init", "--images", drawn).exit_code == 2


def test_weights_and_doctor_answer_in_words_and_in_json(tmp_path: Path) -> None:
    listed = document(whisker("--home", tmp_path, "--json", "weights", "list"))["weights"]
    here = {row["backbone"]: row["available"] for row in listed}
    assert here["efficientnet_lite0"]
    assert "resnet18_v2" in here
    fetched = document(whisker("--home", tmp_path, "--json", "weights", "fetch", "efficientnet_lite0"))
    assert Path(fetched["path"]).is_file()
    imported = document(whisker("--home", tmp_path, "--json", "weights", "import", fetched["path"]))
    assert (imported["backbone"], imported["sha256"]) == ("efficientnet_lite0", fetched["sha256"])
    assert "parameters set" in whisker("--home", tmp_path, "weights", "import", fetched["path"]).stdout
    checks = document(whisker("--home", tmp_path, "--json", "doctor"))["checks"]
    assert not [check for check in checks if check["status"] == "problem"]
    assert "ok" in whisker("--home", tmp_path, "doctor").stdout


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("run-now", "--images", "nowhere"), 1, "nowhere"),
        (("run-now",), 2, "no image folder is set"),
        (("weights", "import", "nowhere.pth"), 1, "nowhere.pth cannot be read"),
        (("weights", "import", "nowhere.pth", "--backbone", "vgg16"), 2, "no backbone 'vgg16'"),
        (("run-now", "--images", ".", "--recipe", "slow"), 2, "recipe = 'slow' is unknown; use one of"),
        (("run-now", "--images", ".", "--backbone", "vgg"), 2, "efficientnet_lite0"),
        (("run-now", "--images", ".", "--set", "epochs"), 2, "not of the form NAME=VALUE"),
        (
            ("run-now", "--images", ".", "--set", "epoch=3"),
            2,
            "the command line: recipes have no setting 'epoch'",
        ),
        (("run-now", "--images", ".", "--epochs", "0"), 2, "epochs = 0 is not at least 1"),
        (("run-now", "--images", ".", "--device", "tpu"), 2, "device 'tpu' is unknown"),
        (("show", "one"), 2, "'one' is not a valid integer"),
        (("daemon",), 2, "init --images DIR"),
        (("daemon", "--every", "0s"), 2, "init --images DIR"),
        (("frobnicate",), 2, "No such command"),
    ],
)
def test_wrong_use_is_one_sentence_on_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], status: int, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = whisker_in_here("--home", tmp_path / "home", *words)
    assert done.exit_code == status, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    as_json = whisker_in_here("--home", tmp_path / "home", "--json", *words)
    assert as_json.exit_code == status
    if as_json.stdout:
        assert sentence in json.loads(as_json.stdout)["error"]


def test_a_gpu_that_was_asked_for_and_is_not_there_is_an_error_that_names_the_reason(
    drawn: Path, tmp_path: Path
) -> None:
    done = whisker("--home", tmp_path / "home", "run-now", "--images", drawn, "--device", "gpu")
    if done.returncode == 0:
        pytest.skip("this machine has a GPU that works")
    assert "--device gpu cannot be used: " in done.stderr


def test_the_champion_is_moved_by_hand_and_back_and_the_history_says_why(
    finished: tuple[Path, Any], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(finished[0], home, symlinks=True)
    finetune, scratch = (finished[1][kind]["id"] for kind in ("finetune", "scratch"))
    before = document(whisker("--home", home, "--json", "champion"))
    assert (before["champion"], before["run"]["id"], before["run"]["kind"]) == (
        finetune, finetune, "finetune"
    )  # fmt: skip
    assert before["since"] == before["history"][0]["at"]
    assert before["run"]["temperature"] > 0
    moved = document(whisker("--home", home, "--json", "promote", scratch, "--reason", "to see"))
    assert (moved["champion"], moved["before"], moved["reason"]) == (scratch, finetune, "to see")
    assert Path(moved["model"]).samefile(home / "models" / "champion")
    back = whisker("--home", home, "rollback")
    assert back.stdout == f"run {finetune} is the champion now; until now, run {scratch} was\n"
    after = document(whisker("--home", home, "--json", "champion"))
    assert [(change["run"], change["source"], change["reason"]) for change in after["history"]] == [
        (finetune, "rollback", "by hand"),
        (scratch, "promote", "to see"),
        (finetune, "cycle", before["history"][0]["reason"]),
    ]
    shown = whisker("--home", home, "champion").stdout
    assert f"Run {finetune} (finetune of efficientnet_lite0) is the champion since" in shown
    assert "rolled back by hand" in shown


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("promote", "99"), "whisker: there is no run 99"),
        (("promote", "1"), "whisker: run 1 is the champion already"),
        (("promote", "1", "--reason", " "), "say why, since it is kept in the history"),
        (("rollback",), "whisker: there is no earlier champion to go back to"),
        (("compare", "1", "99"), "whisker: there is no run 99"),
    ],
)
def test_a_champion_or_comparison_that_cannot_be_is_one_sentence(
    finished: tuple[Path, Any], words: tuple[str, ...], sentence: str
) -> None:
    done = whisker_in_here("--home", finished[0], *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_two_runs_are_compared_on_the_same_images(finished: tuple[Path, Any]) -> None:
    home, result = finished
    runs = [result[kind]["id"] for kind in ("scratch", "finetune")]
    compared = document(whisker("--home", home, "--json", "compare", *runs))
    assert (compared["before"]["id"], compared["after"]["id"]) == tuple(runs)
    assert (compared["images"], compared["left_out"]) == (12, 0)
    assert compared["gain"]["low"] <= compared["gain"]["value"] <= compared["gain"]["high"]
    assert compared["after"]["shared_accuracy"]["value"] == result["finetune"]["test_accuracy"]
    assert Path(compared["report"]).name == f"compare-{runs[0]}-{runs[1]}.html"
    assert Path(compared["report"]).is_file()
    shown = whisker("--home", home, "compare", *runs).stdout
    assert "12 test images that both runs were tested on" in shown
    assert f"report: {compared['report']}" in shown


def test_the_readme_has_a_row_for_each_command() -> None:
    listed = whisker("--help").stdout.split("Commands:")[1]
    names = re.findall(r"^  ([a-z-]+)", listed, re.MULTILINE)
    table = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "promote" in names
    assert [name for name in names if not re.search(rf"^\|.*`{name}[ `]", table, re.MULTILINE)] == []


def imported(*words: str) -> list[str]:
    """Run the program in a process of its own; return which of the heavy packages it has imported."""
    program = (
        f"import sys; sys.argv[1:] = {words!r}; sys.path.insert(0, {str(REPOSITORY)!r})\n"
        "import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'mxnet', 'matplotlib', 'scipy', 'alembic', 'apscheduler', 'rich', 'onnxruntime', 'onnx',\n"
        "'optuna'}\n"
        "print('imported', *sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=AT_ONCE
    )
    return done.stderr.splitlines()[-1].split()[1:]


def test_no_command_imports_what_it_does_not_use(finished: tuple[Path, Any], drawn: Path) -> None:
    home = str(finished[0])
    assert imported("--help") == []
    assert imported("--home", home, "weights", "list") == ["rich"]
    assert imported("--home", home, "runs") == ["rich"]
    assert imported("--home", home, "champion") == ["rich"]
    assert imported("--home", home, "run-now", "--images", str(drawn), "--if-changed") == ["rich"]
    assert imported("--home", home, "tune", "--images", str(drawn), "--name", "fast") == ["rich"]


def test_questions_only_a_person_can_answer_have_their_own_exit_status(
    drawn: Path, quickly: dict[str, str], tmp_path: Path
) -> None:
    images, home = tmp_path / "images", tmp_path / "home"
    shutil.copytree(drawn, images)
    words = ("--home", home, "--json", "run-now", "--images", images, "--no-baseline")
    document(whisker(*words, environment=quickly))
    for split in ("train", "test"):
        (images / split / "dog").rename(images / split / "hound")
    asked = whisker("--home", home, "run-now", "--images", images, "--if-changed")
    assert asked.returncode == 3
    assert "--accept-classes" in asked.stderr
    assert "Traceback" not in asked.stderr
    assert whisker_in_here("--home", home, "scan", "--images", images).exit_code == 3


def test_suspects_are_listed_and_a_decided_list_is_applied(
    finished: tuple[Path, Any], drawn: Path, tmp_path: Path
) -> None:
    home, _ = finished
    file = tmp_path / "suspects.csv"
    listed = document(whisker("--home", home, "--json", "suspects", "--csv", file))
    assert file.read_text().startswith("sha256,path,label,suggested,probability,score,reason,decision\n")
    assert listed["conflicts"] == []
    assert len(file.read_text().splitlines()) == 1 + len(listed["suspects"])
    applied = document(whisker("--home", home, "--json", "relabel", file, "--images", drawn))
    assert applied == {"labelled": 0, "excluded": 0}
    assert whisker("--home", home, "suspects").returncode == 0


def test_a_traceback_comes_only_when_asked_for(tmp_path: Path) -> None:
    done = whisker("--home", tmp_path, "--verbose", "run-now", "--images", tmp_path / "nowhere")
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_mid_epoch_ends_the_run_as_interrupted(
    drawn: Path, quickly: dict[str, str], tmp_path: Path, number: int, status: int
) -> None:
    home = tmp_path / "home"
    words = ("--home", home, "--json", "run-now", "--images", drawn, *ENDLESS)
    with started(*words, environment=quickly) as process:
        read_until(process, "run 2, epoch 2")
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == status
    assert json.loads(out)["exit_status"] == status
    runs = document(whisker("--home", home, "--json", "runs"))["runs"]
    assert {run["kind"]: run["status"] for run in runs} == {"finetune": "finished", "scratch": "interrupted"}
    assert len(document(whisker("--home", home, "--json", "show", 2))["epochs"]) >= 2
    assert not list((home / "models").glob("*.tmp"))


def test_kill_9_in_mid_epoch_loses_no_finished_epoch_and_the_next_run_repairs_it(
    drawn: Path, quickly: dict[str, str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with started("--home", home, "run-now", "--images", drawn, *ENDLESS, environment=quickly) as process:
        read_until(process, "run 2, epoch 3")
        process.kill()
    words = ("--home", home, "--json", "run-now", "--images", drawn, "--no-baseline")
    assert document(whisker(*words, environment=quickly))["status"] == "finished"
    killed = document(whisker("--home", home, "--json", "show", 2))
    assert killed["status"] == "interrupted"
    assert len(killed["epochs"]) >= 3


def test_the_top_level_packages_are_this_projects_own() -> None:
    import cli as command_line
    import db
    import jobs
    import pipeline
    import templates

    for module in (command_line, jobs, pipeline, db, templates):
        assert module.__file__ is not None
        assert Path(module.__file__).is_relative_to(REPOSITORY)


def test_nobody_imports_the_command_line() -> None:
    for folder in ("jobs", "pipeline", "db", "templates"):
        for file in (REPOSITORY / folder).rglob("*.py"):
            assert not re.search(
                r"^\s*(import cli|from cli)\b", file.read_text(encoding="utf-8"), re.MULTILINE
            ), file


def test_the_daemon_takes_what_arrives_in_one_more_cycle_and_stops_on_sigterm(
    drawn: Path, quickly: dict[str, str], tmp_path: Path
) -> None:
    images, home = tmp_path / "images", tmp_path / "home"
    shutil.copytree(drawn, images)
    daemon = start_daemon(home, images, quickly, settle_seconds=1)
    try:
        wait_for_cycles(home, 1, daemon)
        second = whisker("--home", home, "daemon")
        assert second.returncode == 75
        assert f"process {daemon.pid}" in second.stderr
        for number in range(1, 5):
            content = rotated(drawn / "test" / "dog" / f"drawn-{number:04}.jpg", 30 + number)
            (images / "train" / "dog" / f"new-{number}.jpg").write_bytes(content)
        wait_for_cycles(home, 2, daemon)
        wait_for_idle_looks(home, 2, daemon)
        assert [run.train_images for run in runs_in(home)] == [28, 24]
    finally:
        daemon.send_signal(signal.SIGTERM)
        _, messages = daemon.communicate(timeout=60)
    assert daemon.returncode == 143, messages
    assert "Traceback" not in messages


def test_sigterm_ends_the_daemon_together_with_a_cycle_in_mid_epoch(
    drawn: Path, quickly: dict[str, str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    assert whisker("--home", home, "init", "--images", drawn).returncode == 0
    settings = (home / "whisker.toml").read_text()
    settings = settings.replace(
        "[recipes.fast]", "[recipes.fast]\nbaseline_epochs = 1000000\nbaseline_images = 8"
    )
    (home / "whisker.toml").write_text(settings)
    with started("--home", home, "daemon", environment=quickly) as daemon:
        read_until(daemon, "run 2, epoch 2")
        daemon.send_signal(signal.SIGTERM)
        _, messages = daemon.communicate(timeout=60)
    assert daemon.returncode == 143, messages
    runs = document(whisker("--home", home, "--json", "runs"))["runs"]
    assert [run["status"] for run in runs] == ["interrupted", "finished"]
    words = ("--home", home, "--json", "run-now", "--if-changed", "--no-baseline")
    assert document(whisker(*words, environment=quickly))["status"] == "finished"


def test_a_slow_copy_is_taken_once_and_whole(drawn: Path, quickly: dict[str, str], tmp_path: Path) -> None:
    images, home = tmp_path / "images", tmp_path / "home"
    shutil.copytree(drawn, images)
    daemon = start_daemon(home, images, quickly, settle_seconds=1.5)
    try:
        wait_for_cycles(home, 1, daemon)
        content = rotated(drawn / "test" / "cat" / "drawn-0002.jpg", 33)
        target = images / "train" / "cat" / "slow.jpg"
        with target.open("wb") as file:
            for start in range(0, len(content), len(content) // 24 + 1):
                file.write(content[start : start + len(content) // 24 + 1])
                file.flush()
                time.sleep(0.3)
        wait_for_cycles(home, 2, daemon)
        wait_for_idle_looks(home, 2, daemon)
        assert [run.train_images for run in runs_in(home)] == [25, 24]
    finally:
        daemon.send_signal(signal.SIGTERM)
        _, messages = daemon.communicate(timeout=60)
    assert daemon.returncode == 143, messages


def test_what_a_killed_daemon_had_noticed_is_trained_on_once(
    drawn: Path, quickly: dict[str, str], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    daemon = start_daemon(home, drawn, quickly, settle_seconds=2)
    read_until(daemon, "looking twice")
    (child,) = psutil.Process(daemon.pid).children()
    for process in (daemon, child):
        process.kill()
    daemon.communicate()
    child.wait()
    again = start_daemon(home, drawn, quickly, settle_seconds=0)
    try:
        wait_for_cycles(home, 1, again)
        wait_for_idle_looks(home, 2, again)
        assert len(runs_in(home)) == 1
    finally:
        again.send_signal(signal.SIGTERM)
        again.communicate(timeout=60)


def rotated(source: Path, degrees: int) -> bytes:
    """Return a picture that is new to Whisker, as a JPEG file."""
    target = io.BytesIO()
    with Image.open(source) as image:
        image.rotate(degrees, expand=True).save(target, "JPEG")
    return target.getvalue()


def start_daemon(
    home: Path, images: Path, environment: Mapping[str, str], *, settle_seconds: float
) -> "subprocess.Popen[str]":
    """Start a daemon without baselines that looks each second, in a home that is made if need be."""
    if not home.exists():
        assert whisker("--home", home, "init", "--images", images).returncode == 0
    settings = {"WHISKER_BASELINE": "false", "WHISKER_SETTLE_SECONDS": str(settle_seconds)}
    return subprocess.Popen(
        command("--home", home, "daemon", "--every", "1s"),
        stderr=subprocess.PIPE, text=True, env={**environment, **settings},
    )  # fmt: skip


def wait_for_cycles(home: Path, count: int, daemon: "subprocess.Popen[str]") -> None:
    """Wait until so many cycles have finished and been looked at as such."""
    wait_until(lambda: outcomes_in(home).count("finished") >= count, daemon)


def wait_for_idle_looks(home: Path, count: int, daemon: "subprocess.Popen[str]") -> None:
    """Wait for so many looks in a row that find nothing new."""
    wait_until(lambda: outcomes_in(home)[:count] == ["nothing-new"] * count, daemon)


def wait_until(holds: Callable[[], bool], daemon: "subprocess.Popen[str]") -> None:
    for _ in range(600):
        if holds():
            return
        assert daemon.poll() is None
        time.sleep(0.2)
    raise AssertionError("waited in vain for two minutes")


def outcomes_in(home: Path) -> list[str]:
    """Return how the looks have ended, the newest first."""
    if not (home / "whisker.db").exists():
        return []
    with open_read_only(home / "whisker.db")() as session:
        return [look.outcome for look in store.latest_looks(session, 100)]


def runs_in(home: Path) -> list[Run]:
    """Return all runs, the newest first."""
    with open_read_only(home / "whisker.db")() as session:
        return store.list_runs(session)


def test_predict_says_what_the_report_says_and_goes_on_over_what_cannot_be_read(
    finished: tuple[Path, Any], drawn: Path, tmp_path: Path
) -> None:
    home, result = finished
    (tmp_path / "text.jpg").write_text("no image")
    done = whisker("--home", home, "--json", "predict", drawn / "test", tmp_path / "text.jpg")
    found = document(done, status=1)
    assert "1 file could not be read" in done.stderr
    assert found["run"] == result["finetune"]["id"]
    *answers, bad = found["predictions"]
    assert bad == {"path": str(tmp_path / "text.jpg"), "error": "not an image"}
    with open_read_only(home / "whisker.db")() as session:
        details = store.load_run(session, found["run"])
    assert details.evaluation is not None
    shown = calibrated(details.evaluation, details.findings.temperature).predictions
    reported = {p.path: dict(zip(("cat", "dog"), p.probabilities, strict=True)) for p in shown}
    assert len(answers) == len(reported) == 12
    for answer in answers:
        expected = reported[os.fsencode(Path(answer["path"]).relative_to(drawn))]
        assert answer["probabilities"] == pytest.approx(expected, abs=1e-5)


def test_predict_reads_paths_from_standard_input_and_sorts_copies(
    finished: tuple[Path, Any], drawn: Path, tmp_path: Path
) -> None:
    home, _ = finished
    paths = sorted((drawn / "test" / "cat").iterdir())
    words = ("--home", home, "predict", "--format", "jsonl", "--sort-into", tmp_path / "sorted", "-")
    done = subprocess.run(
        command(*words), input="\n".join(map(str, paths)), capture_output=True, text=True, check=True
    )
    labels = [json.loads(line)["label"] for line in done.stdout.splitlines()]
    copies = [tmp_path / "sorted" / label / path.name for label, path in zip(labels, paths, strict=True)]
    assert [copy.read_bytes() for copy in copies] == [path.read_bytes() for path in paths]
    again = whisker("--home", home, "predict", "--sort-into", paths[0].parent / "x", paths[0].parent)
    assert again.returncode == 2
    assert "choose a folder outside of it" in again.stderr


@pytest.mark.parametrize("run_id", [None, 99])
def test_predict_without_a_model_says_so(
    finished: tuple[Path, Any], tmp_path: Path, run_id: int | None
) -> None:
    home, _ = finished
    if run_id is None:
        done = whisker_in_here("--home", tmp_path / "none", "predict", "x.jpg")
        assert "there is no home" in done.stderr
    else:
        done = whisker_in_here("--home", home, "predict", "--run", run_id, "x.jpg")
        assert "run 99 has no model" in done.stderr
    assert done.exit_code == 2
    assert done.stdout == ""


def test_predict_needs_no_mxnet(finished: tuple[Path, Any], drawn: Path) -> None:
    home, _ = finished
    assert imported("--home", str(home), "predict", str(drawn / "test")) == ["onnxruntime", "rich"]


def test_an_exported_model_predicts_without_the_home_what_the_champion_predicts(
    finished: tuple[Path, Any], drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, result = finished
    monkeypatch.chdir(tmp_path)
    expected = document(whisker("--home", home, "--json", "predict", drawn / "test"))
    given = document(whisker("--home", home, "--json", "export", "--format", "params"))
    assert Path(given["file"]) == tmp_path / "whisker-run-0001.zip"
    assert (given["run"], given["format"], given["parity"]) == (result["finetune"]["id"], "params", None)
    nowhere = tmp_path / "nowhere"
    found = document(
        whisker("--home", nowhere, "--json", "predict", "--model", given["file"], drawn / "test")
    )
    assert found == expected
    assert not nowhere.exists()
    model = ("predict", "--model", given["file"], str(drawn / "test"))
    assert imported("--home", str(nowhere), *model) == ["onnxruntime", "rich"]
    again = whisker_in_here("--home", home, "export", "--format", "params")
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)


def test_an_onnx_file_is_measured_and_the_document_says_how_far_it_is_from_mxnet(
    finished: tuple[Path, Any], tmp_path: Path
) -> None:
    words = ("--home", finished[0], "--json", "export", "--format", "onnx", "--with-preprocessing")
    given = document(whisker(*words, "--output", tmp_path / "pets.onnx"))
    assert (given["opset"], given["compared_on"], given["unreadable"]) == (13, "test images", [])
    for parity in (given["parity"], given["parity_with_preprocessing"]):
        assert (parity["images"], parity["same_class"]) == (12, 12)
    assert given["parity"]["probability_difference"] <= 1e-4
    assert given["pixels"]["largest"] <= 2
    people = whisker("--home", finished[0], "export", "--format", "onnx", "--output", tmp_path)
    assert "compared with MXNet on 12 of 12 test images" in people.stdout
    assert "the same class for 12 of 12" in people.stdout


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("export",), 2, "Missing option '--format'"),
        (("export", "--format", "tflite"), 2, "'tflite' is not one of"),
        (("export", "--format", "params", "--with-preprocessing"), 2, "are for --format onnx"),
        (("export", "--format", "params", "--images", "."), 2, "are for --format onnx"),
        (("export", "--format", "params", "--run", "99"), 2, "run 99 has no model"),
        (("predict", "--run", "1", "--model", "x.zip", "a.jpg"), 2, "give only one"),
        (("predict", "--model", "x.zip", "a.jpg"), 1, "there is no model x.zip"),
        (("predict", "--model", "cli.txt", "a.jpg"), 1, "cli.txt cannot be read as the zip file of a model"),
        (("predict", "--model", ".", "a.jpg"), 1, "the model in . cannot be read"),
    ],
)
def test_what_cannot_be_exported_or_opened_is_one_sentence(
    finished: tuple[Path, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    status: int,
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cli.txt").write_text("no model")
    done = whisker_in_here("--home", finished[0], *words)
    assert (done.exit_code, done.stdout) == (status, ""), done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
