"""What the end of a look means."""

import json

import pytest

from jobs.supervise import ChildEnd
from jobs.watching.child_result import STOPPED, Result, result_of


def end(status: int | None, document: object = None, *, errors: str = "", why: str | None = None) -> ChildEnd:
    return ChildEnd(status, why, "" if document is None else json.dumps(document), errors)


def failure(status: int, **document: object) -> Result:
    return result_of(end(status, {"error": "it is so", "exit_status": status, **document}))


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"status": "finished"}, "done"),
        ({"status": "nothing-new", "held_back": False}, "done"),
        ({"status": "nothing-new", "held_back": True}, "held back"),
        (None, "done"),
    ],
)
def test_a_look_that_ended_well(document: object, kind: str) -> None:
    assert result_of(end(0, document)).kind == kind


def test_a_failure_says_itself_whether_it_passes() -> None:
    assert failure(1, passes=True) == Result("failed", "it is so", passes=True)
    assert failure(1, passes=False) == Result("failed", "it is so")


@pytest.mark.parametrize("status", [2, 3])
def test_settings_and_questions_are_not_tried_again(status: int) -> None:
    assert failure(status, passes=True).passes is False


def test_another_process_in_the_home_is_no_failure() -> None:
    assert failure(75).kind == "busy"


def test_a_signal_from_outside_may_pass() -> None:
    assert failure(143, passes=False).passes


def test_a_program_that_did_not_get_as_far_as_a_document_has_its_last_words() -> None:
    result = result_of(end(1, errors="Traceback ...\nImportError: libopenblas\x1b[2J\n\n"))
    assert result == Result(
        "failed",
        "the look failed with exit status 1; its last words were: ImportError: libopenblas\\x1b[2J",
        passes=True,
    )


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (-9, "was killed (SIGKILL), maybe since memory ran out"),
        (-11, "died of signal 11 (SIGSEGV: Segmentation fault); its last words were: Segmentation fault"),
        (-64, "died of signal 64"),
        (None, "could not be ended, even by SIGKILL"),
    ],
)
def test_a_process_that_died_is_told_of_in_words_and_tried_again(status: int | None, words: str) -> None:
    result = result_of(end(status, errors="cycle 3 starts\nSegmentation fault\n"))
    assert words in result.sentence
    assert result.last_lines == ("cycle 3 starts", "Segmentation fault")
    assert (result.kind, result.passes, result.died) == ("failed", True, True)


def test_one_that_was_ended_for_want_of_progress() -> None:
    assert result_of(end(143, why="no progress for 30 minutes")) == Result(
        "failed", "no progress for 30 minutes", passes=True, stuck=True
    )
    assert result_of(end(-9, why="no progress for 30 minutes")).died


def test_one_that_was_ended_with_the_daemon_is_no_failure() -> None:
    assert result_of(end(-9, why=STOPPED)).kind == "stopped"
