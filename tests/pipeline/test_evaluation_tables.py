from pipeline.evaluation_tables import confusion_matrix, correct_and_total, errors_of, said_index
from pipeline.records import Evaluation, Prediction

CLASSES = ("bird", "cat", "dog")


def said(sha256: str, label: str, *probabilities: float) -> Prediction:
    return Prediction(sha256, b"x.jpg", label, probabilities)


EVALUATION = Evaluation(
    accuracy=0.4,
    log_loss=1.0,
    predictions=(
        said("a", "bird", 0.8, 0.1, 0.1),
        said("b", "cat", 0.6, 0.2, 0.2),
        said("c", "dog", 0.1, 0.8, 0.1),
        said("d", "dog", 0.2, 0.2, 0.6),
        said("0", "cat", 0.1, 0.1, 0.8),
    ),
)


def test_rows_are_true_classes_and_columns_are_what_was_said() -> None:
    assert confusion_matrix(EVALUATION, CLASSES) == ((1, 0, 0), (1, 0, 1), (0, 1, 1))


def test_mistakes_come_with_the_most_confident_first_and_equals_by_their_hash() -> None:
    mistakes = errors_of(EVALUATION, CLASSES)

    assert [(m.prediction.sha256, m.said, m.probability) for m in mistakes] == [
        ("0", "dog", 0.8),
        ("c", "cat", 0.8),
        ("b", "bird", 0.6),
    ]


def test_of_equal_probabilities_the_first_class_is_said() -> None:
    assert said_index(said("a", "dog", 0.2, 0.4, 0.4)) == 1


def test_right_images_are_counted_in_whole_numbers() -> None:
    assert correct_and_total(EVALUATION) == (2, 5)


def test_no_test_image_gives_an_empty_matrix_and_no_mistake() -> None:
    nothing = Evaluation(0.0, 0.0, ())

    assert confusion_matrix(nothing, CLASSES) == ((0, 0, 0),) * 3
    assert errors_of(nothing, CLASSES) == ()
    assert correct_and_total(nothing) == (0, 0)
