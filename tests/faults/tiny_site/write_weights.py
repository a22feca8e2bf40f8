"""Write "pretrained" weights of the backbone `tiny` to the file TINY_WEIGHTS: seeded noise."""

import os

import sitecustomize

from pipeline.runtime import mx

mx.random.seed(0)
network = sitecustomize.build(2)
network.initialize(mx.init.Xavier())
network.save_parameters(os.environ["TINY_WEIGHTS"])
