"""Every query by one name: `store.add_epoch(session, ...)`.

The caller owns the session and makes one transaction per fact: nothing here opens or commits one.
"""

from db.activity import clear_activity, load_activity, save_activity
from db.champion import UNCHECKED, champion_id, promote, promotions, rollback_targets
from db.cycle_data import add_suspects, latest_suspects, load_suspects, set_cycle_data
from db.cycle_reading import (
    cycle_ids,
    last_finished_data,
    last_finished_folder,
    last_finished_snapshot,
    last_layout,
    list_cycles,
    load_cycle,
)
from db.cycles import (
    explain_interruption,
    finish_cycle,
    mark_interrupted,
    set_cycle_runs,
    set_cycle_snapshot,
    set_verdict,
    start_cycle,
)
from db.evaluations import (
    add_evaluation,
    cycles_without_answers,
    evaluation_on,
    known_answers,
    remove_answers,
)
from db.files import (
    files_with_content,
    folder_digests,
    forget_files,
    known_files,
    known_files_in,
    save_files,
)
from db.findings import add_heat_maps, set_findings, temperature
from db.instants import files_changed_after, newest_instant
from db.looks import add_look, has_finished_since, last_failed_look, latest_looks
from db.page_states import page_states
from db.resuming import (
    CycleState,
    cycle_state,
    give_up,
    newest_cycle,
    reopen_cycle,
    reopen_run,
    unfinished_runs,
)
from db.retention import runs_without_need, set_models_pruned, spare_answers
from db.run_reading import (
    PARTS,
    latest_baseline,
    list_runs,
    load_run,
    load_run_on,
    runs_with_epochs,
    tested_on,
    without_parts,
)
from db.runs import (
    add_artifacts,
    add_epoch,
    add_note,
    artifact_sha256,
    finish_run,
    set_structure,
    start_run,
)
from db.server_lock import stand_by
from db.settled import (
    drawn_splits,
    forget_label_decisions,
    label_decisions,
    save_drawn_splits,
    save_label_decisions,
)
from db.snapshots import (
    add_to_snapshot,
    begin_snapshot,
    end_snapshot,
    load_thumbnails,
    save_thumbnails,
    snapshot_with,
    tested_but_trained_on,
)
from db.terms import latest_term
from db.tested_images import images_folder_of, tested_images

__all__ = [
    "PARTS",
    "UNCHECKED",
    "CycleState",
    "add_artifacts",
    "add_epoch",
    "add_evaluation",
    "add_heat_maps",
    "add_look",
    "add_note",
    "add_suspects",
    "add_to_snapshot",
    "artifact_sha256",
    "begin_snapshot",
    "champion_id",
    "clear_activity",
    "cycle_ids",
    "cycle_state",
    "cycles_without_answers",
    "drawn_splits",
    "end_snapshot",
    "evaluation_on",
    "explain_interruption",
    "files_changed_after",
    "files_with_content",
    "finish_cycle",
    "finish_run",
    "folder_digests",
    "forget_files",
    "forget_label_decisions",
    "give_up",
    "has_finished_since",
    "images_folder_of",
    "known_answers",
    "known_files",
    "known_files_in",
    "label_decisions",
    "last_failed_look",
    "last_finished_data",
    "last_finished_folder",
    "last_finished_snapshot",
    "last_layout",
    "latest_baseline",
    "latest_looks",
    "latest_suspects",
    "latest_term",
    "list_cycles",
    "list_runs",
    "load_activity",
    "load_cycle",
    "load_run",
    "load_run_on",
    "load_suspects",
    "load_thumbnails",
    "mark_interrupted",
    "newest_cycle",
    "newest_instant",
    "page_states",
    "promote",
    "promotions",
    "remove_answers",
    "reopen_cycle",
    "reopen_run",
    "rollback_targets",
    "runs_with_epochs",
    "runs_without_need",
    "save_activity",
    "save_drawn_splits",
    "save_files",
    "save_label_decisions",
    "save_thumbnails",
    "set_cycle_data",
    "set_cycle_runs",
    "set_cycle_snapshot",
    "set_findings",
    "set_models_pruned",
    "set_structure",
    "set_verdict",
    "snapshot_with",
    "spare_answers",
    "stand_by",
    "start_cycle",
    "start_run",
    "temperature",
    "tested_but_trained_on",
    "tested_images",
    "tested_on",
    "unfinished_runs",
    "without_parts",
]
