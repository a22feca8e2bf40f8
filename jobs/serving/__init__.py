"""The web app that `serve` starts: reports, answers about images, doubtful labels to look over."""
