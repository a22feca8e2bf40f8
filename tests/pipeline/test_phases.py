from pipeline.phases import begins_on_features, counted_passes, curve_note, image_epochs, on_features, phases
from tests.pipeline import example_runs as runs

FINETUNE = runs.example_run("finetune", 1)
SCRATCH = runs.example_run("scratch", 2)


def test_only_a_run_of_the_head_works_on_stored_features() -> None:
    assert on_features(FINETUNE)
    assert not on_features(SCRATCH)


def test_a_run_may_begin_on_stored_features_and_go_on_with_the_images() -> None:
    run = runs.thorough_run()
    assert begins_on_features(run)
    assert not on_features(run)
    assert (image_epochs(run), image_epochs(FINETUNE), image_epochs(SCRATCH)) == (3, 0, len(SCRATCH.epochs))
    said = curve_note([run])
    assert "An epoch of the head is a pass over stored features" in said
    assert "An epoch of all layers is a pass over the images." in said
    assert said.endswith("Dotted upright line: from epoch 21 on, fine-tune trains all layers.")


def test_epochs_are_counted_by_phase() -> None:
    run = runs.example_run("finetune", 1, epochs=runs.last_stage_epochs())

    assert phases(run) == (("head", 20), ("last stage", 3))
    assert phases(runs.example_run("finetune", 1, epochs=())) == ()


def test_one_pass_is_not_many() -> None:
    assert counted_passes(1, "all layers") == "1\N{NO-BREAK SPACE}pass over the images"
    assert counted_passes(39, "head") == "39\N{NO-BREAK SPACE}passes over the stored features"


def test_the_plots_say_what_an_epoch_of_the_head_is() -> None:
    assert "pass over stored features" in curve_note([FINETUNE, SCRATCH])
    assert curve_note([SCRATCH]) == ""


def test_the_plots_say_where_another_phase_begins() -> None:
    run = runs.example_run("finetune", 1, epochs=runs.last_stage_epochs())

    assert curve_note([run]).endswith(
        "Dotted upright line: from epoch 21 on, fine-tune trains the last stage."
    )
