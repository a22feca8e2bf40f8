"""What is known of each backbone's weights beside their file: their number and accuracy on ImageNet."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """Of a network with its 1,000 classes and the weights that its record knows."""

    parameters: int  # that are learnt in our network, so without the running statistics of BatchNorm
    top1: float  # accuracy on ImageNet's validation images, 0..1, as published
    top1_source: str  # who published it


# https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite, the column "FP32 accuracy".
GOOGLE = "Google, README of EfficientNet-Lite"
# https://mxnet.apache.org/versions/1.4.1/api/python/gluon/model_zoo.html, of the files with the hashes in
# `backbones`.
MXNET = "Apache MXNet, documentation of the Gluon model zoo"
# https://docs.pytorch.org/vision/stable/models.html, the weights IMAGENET1K_V1.
TORCHVISION = "torchvision, documentation of its models (IMAGENET1K_V1)"

FACTS = {
    "efficientnet_lite0": Facts(4_652_008, 0.751, GOOGLE),
    "efficientnet_lite1": Facts(5_416_680, 0.767, GOOGLE),
    "efficientnet_lite2": Facts(6_092_072, 0.776, GOOGLE),
    "resnet18_v1": Facts(11_689_512, 0.7093, MXNET),
    "resnet34_v1": Facts(21_797_672, 0.7437, MXNET),
    "resnet50_v1": Facts(25_575_912, 0.7647, MXNET),
    "resnet101_v1": Facts(44_589_800, 0.7834, MXNET),
    "resnet152_v1": Facts(60_252_648, 0.7900, MXNET),
    "resnet18_v2": Facts(11_687_848, 0.7100, MXNET),
    "resnet34_v2": Facts(21_796_008, 0.7440, MXNET),
    "resnet50_v2": Facts(25_549_480, 0.7711, MXNET),
    "resnet101_v2": Facts(44_541_608, 0.7853, MXNET),
    "resnet152_v2": Facts(60_185_256, 0.7921, MXNET),
    "resnet18_tv": Facts(11_689_512, 0.69758, TORCHVISION),
    "resnet34_tv": Facts(21_797_672, 0.73314, TORCHVISION),
    "resnet50_tv": Facts(25_557_032, 0.76130, TORCHVISION),
    "resnet101_tv": Facts(44_549_160, 0.77374, TORCHVISION),
    "resnet152_tv": Facts(60_192_808, 0.78312, TORCHVISION),
    "mobilenet1.0": Facts(4_231_976, 0.7105, MXNET),
    "mobilenet0.75": Facts(2_585_560, 0.6738, MXNET),
    "mobilenet0.5": Facts(1_331_592, 0.6307, MXNET),
    "mobilenet0.25": Facts(470_072, 0.5185, MXNET),
    "mobilenetv2_1.0": Facts(3_505_960, 0.7192, MXNET),
    "mobilenetv2_0.75": Facts(2_628_592, 0.6961, MXNET),
    "mobilenetv2_0.5": Facts(1_965_736, 0.6449, MXNET),
    "mobilenetv2_0.25": Facts(1_517_392, 0.5074, MXNET),
}
