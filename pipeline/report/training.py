"""How the models of a cycle came about: the sections on the runs, their curves and their settings."""

from dataclasses import dataclass

from pipeline.learning_curves import Panel, learning_curves
from pipeline.phases import curve_note
from pipeline.records import Cycle, RunDetails
from pipeline.report.budgets import Budgets, budgets_of
from pipeline.report.command import command_of
from pipeline.report.comparison import Row, environment_rows, run_rows, setting_rows
from pipeline.report.data_curve import DataCurve, data_curve_of
from pipeline.report.models import runs_of
from pipeline.report.network import Network, network_of
from pipeline.report.plot_frame import Kind


@dataclass(frozen=True)
class Column:
    """A run that stands beside the others."""

    kind: Kind
    name: str
    details: RunDetails


@dataclass(frozen=True)
class Training:
    """The sections; None or empty where there is nothing to show."""

    columns: tuple[Column, ...]  # the champion among them
    trained: tuple[Column, ...]  # the fine-tune and the baseline
    facts: tuple[Row, ...]
    curves: tuple[Panel, ...]
    curve_note: str
    budgets: Budgets | None
    data_curve: DataCurve | None
    network: Network | None
    settings: tuple[Row, ...]
    environment: tuple[Row, ...]
    command: str


def training_of(cycle: Cycle) -> Training:
    """Work out the sections."""
    columns = tuple(Column(*run) for run in runs_of(cycle))
    details = [column.details for column in columns]
    trained = tuple(column for column in columns if column.kind != "champion")
    runs = [column.details.run for column in trained]
    return Training(
        columns=columns,
        trained=trained,
        facts=run_rows(details, cycle.snapshot.classes if cycle.snapshot else ()),
        curves=learning_curves(runs) if any(run.epochs for run in runs) else (),
        curve_note=curve_note(runs),
        budgets=budgets_of(cycle),
        data_curve=data_curve_of(cycle),
        network=network_of([column.details for column in trained]),
        settings=setting_rows(details),
        environment=environment_rows(details),
        command=command_of(cycle.images_folder, runs[0]) if runs else "",
    )
