"""Is the new model better than the champion? A paired test on the same test images."""

from collections.abc import Sequence

from scipy.stats import binomtest

from pipeline.evaluation_tables import said_index
from pipeline.records import Evaluation, Verdict

SIGNIFICANCE = 0.05


def verdict(champion: Evaluation | None, challenger: Evaluation, classes: Sequence[str]) -> Verdict:
    """Compare two evaluations on the same images by the exact McNemar test.

    Only images on which exactly one of the two is right tell them apart. If both were equally good, each
    such image would be a fair coin; the two-sided binomial test says how surprising the count is.
    Source: McNemar (1947), Psychometrika 12, 153-157, in its exact form.

    Args:
        champion: of the model in force; None if there is none that knows these classes.
        challenger: of the new model, on the same images.
        classes: in the order of the probabilities.
    """
    if champion is None:
        return Verdict("first", "the first model for these classes, so there is nothing to compare it with")
    before, after = (_right_images(evaluation, classes) for evaluation in (champion, challenger))
    shared = before.keys() & after.keys()
    fixed = sum(after[image] and not before[image] for image in shared)
    broken = sum(before[image] and not after[image] for image in shared)
    p_value = float(binomtest(fixed, fixed + broken).pvalue) if fixed + broken else 1.0
    counts = (
        f"of {len(shared):,} test images it newly gets {fixed:,} right "
        f"and {broken:,} wrong (p = {p_value:.2g})"
    )
    if p_value >= SIGNIFICANCE:
        return Verdict("hold", f"the test images show no difference from the champion: {counts}")
    if fixed > broken:
        return Verdict("promote", f"better than the champion: {counts}")
    return Verdict("reject", f"worse than the champion: {counts}")


def _right_images(evaluation: Evaluation, classes: Sequence[str]) -> dict[str, bool]:
    """Return for each image (by content hash) whether the most probable class is its label."""
    return {p.sha256: classes[said_index(p)] == p.label for p in evaluation.predictions}
