"""What people see of pretrained weights in the terminal."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.table import Column, Table
from rich.text import Text

from pipeline.shown import shown

if TYPE_CHECKING:  # an import report comes from a module that needs MXNet
    from pipeline.pretrained.importing import ImportReport
    from pipeline.pretrained.listing import WeightsStatus

FEW = 5  # names that are shown of many


def weights_table(statuses: Iterable["WeightsStatus"]) -> Table:
    """Return a table of backbones: their weights, and below it who has published the accuracies."""
    table = Table("backbone", "here", "MB", "parameters", "top-1", "source", "licence")
    sources: dict[str, int] = {}
    for status in statuses:
        top1 = "-"
        if status.top1 is not None:
            top1 = f"{status.top1:.4f} ({sources.setdefault(status.top1_source, len(sources) + 1)})"
        table.add_row(
            status.backbone, "yes" if status.available else "no", f"{status.size_mb:.1f}",
            f"{status.parameters or 0:,}", top1, Text(status.source), Text(status.licence),
        )  # fmt: skip
    stated_by = "; ".join(f"({number}) {source}" for source, number in sources.items())
    table.caption = f"top-1: accuracy on ImageNet as stated by {stated_by}"
    table.caption_justify = "left"
    return table


def import_table(report: "ImportReport") -> Table:
    """Return a table of what became of an import."""
    table = Table("import", Column(Text(shown(report.source))))
    difference = report.largest_difference
    differs = "" if difference is None else f"; differs by {difference:.1e} of the largest value at most"
    rows = {
        "backbone": report.backbone,
        "kind": f"{report.kind}, with {report.names} names",
        "arrays read": f"{report.read:,}",
        "parameters set": f"{report.mapped:,}",
        "left over": _names(report.left_over),
        "missing": _names(report.missing),
        "compared": f"{report.compared}{differs}",
        "SHA-256 of the source": report.source_sha256,
        "now in": report.path,
    }
    for name, value in rows.items():
        table.add_row(name, Text(value))
    return table


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - FEW:,} more" if len(names) > FEW else ""
    return f"{len(names):,}: {', '.join(map(shown, names[:FEW]))}{more}" if names else "none"
