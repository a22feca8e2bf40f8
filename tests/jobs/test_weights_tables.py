from dataclasses import replace
from io import StringIO

from rich.console import Console
from rich.table import Table

from jobs.weights_tables import import_table, weights_table
from pipeline.pretrained.importing import ImportReport
from pipeline.pretrained.listing import WeightsStatus

REPORT = ImportReport(
    "resnet18_tv", "/home/weights/x.params", "ab" * 32, "[bold]x.pth", "cd" * 32, "PyTorch", "torchvision's",
    read=122, mapped=102, left_over=(), missing=(), largest_difference=None, compared="with nothing: why",
)  # fmt: skip


def printed(table: Table) -> str:
    console = Console(file=StringIO(), width=200, highlight=False)
    console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_an_import_is_told_with_what_was_compared() -> None:
    text = printed(import_table(REPORT))
    assert "PyTorch, with torchvision's names" in text
    assert "with nothing: why" in text
    compared = replace(REPORT, largest_difference=1.5e-6, compared="with the file in ONNX Runtime")
    assert "with the file in ONNX Runtime; differs by 1.5e-06 of the largest value at most" in printed(
        import_table(compared)
    )


def test_strangers_names_are_shown_in_short_and_cannot_write_to_the_terminal() -> None:
    report = replace(REPORT, left_over=("a\x1b[2J", *(f"layer{n}" for n in range(9))))
    text = printed(import_table(report))
    assert r"10: a\x1b[2J, layer0, layer1, layer2, layer3 and 5 more" in text
    assert "[bold]x.pth" in text


def test_accuracies_refer_to_who_has_published_them() -> None:
    status = WeightsStatus("a", True, "here", "free", 46.8, 11_689_512, 0.6976, "somebody")
    unknown = replace(status, backbone="b", top1=None, top1_source="")
    text = printed(weights_table([status, unknown]))
    assert "46.8" in text and "11,689,512" in text and "0.6976 (1)" in text
    assert "stated by (1) somebody" in text
