"""The forms in which answers are written."""

import csv
import io
import json

from jobs.answers import Form, as_text
from pipeline.predict import Answer

CLASSES = ("cat", "dog")
ANSWERS = [
    Answer(b"a,b\n.jpg", (0.25, 0.75)),
    Answer(b"caf\xe9.jpg", (0.5, 0.5)),
    Answer("tür.jpg".encode(), error="not an image"),
]
NAMES = ["a,b\n.jpg", "caf\\xe9.jpg", "tür.jpg"]


def written(form: Form, reject_below: float = 0.0) -> str:
    return "".join(as_text(ANSWERS, 3, CLASSES, form, reject_below))


def test_json_is_one_document_of_answers_and_errors() -> None:
    assert json.loads(written("json")) == {
        "run": 3,
        "predictions": [
            {
                "path": NAMES[0],
                "label": "dog",
                "probability": 0.75,
                "probabilities": {"cat": 0.25, "dog": 0.75},
            },
            {
                "path": NAMES[1],
                "label": "cat",
                "probability": 0.5,
                "probabilities": {"cat": 0.5, "dog": 0.5},
            },
            {"path": NAMES[2], "error": "not an image"},
        ],
    }
    assert json.loads("".join(as_text([], 3, CLASSES, "json", 0))) == {"run": 3, "predictions": []}


def test_json_lines_are_the_same_answers_a_line_each() -> None:
    lines = [json.loads(line) for line in written("jsonl").splitlines()]
    assert lines == json.loads(written("json"))["predictions"]


def test_csv_has_a_column_for_each_class_and_one_for_the_error() -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv", 0.7))))
    assert [row["path"] for row in rows] == NAMES
    assert [row["label"] for row in rows] == ["dog", "cat", ""]
    assert [row["p(dog)"] for row in rows] == ["0.750000", "0.500000", ""]
    assert [row["rejected"] for row in rows] == ["no", "yes", ""]
    assert [row["error"] for row in rows] == ["", "", "not an image"]


def test_people_get_a_line_each_with_strange_names_made_visible() -> None:
    lines = written("human", 0.7).splitlines()
    assert lines[0].split() == ["dog", "75.00%", "a,b\\n.jpg"]
    assert lines[1].split() == ["unsure", "(cat)", "50.00%", "caf\\xe9.jpg"]
    assert lines[2].split(maxsplit=1) == ["error", "tür.jpg: not an image"]


def test_the_bound_marks_answers_in_what_programs_read() -> None:
    found = json.loads(written("json", 0.7))["predictions"]
    assert [item.get("rejected") for item in found] == [False, True, None]
