#!/usr/bin/env bash
# Compile Horovod for the MXNet of a Python, and install it there: deploy/horovod.sh [PYTHON]
#
# Needs a C++ compiler; CMake comes from the package registry. There is no wheel, and pip alone would build it where MXNet
# is not. One word of it is mended: a Horovod that shares sums over Gloo listens at the interface that it is told, but what
# it makes for the sums themselves has forgotten that, and listens at whatever address the host's own name has. That is
# 127.0.0.1 or 127.0.1.1 on many machines, where no other host reaches it, and elsewhere perhaps a network that should not.
# Builds that are mended so call themselves 0.28.1+iface.
set -euo pipefail

python=${1:-python3}
version=0.28.1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$python" -c "import mxnet" 2>/dev/null || { echo "$python has no MXNet: install Whisker there first." >&2; exit 1; }
command -v c++ >/dev/null || { echo "There is no C++ compiler here (c++); on Debian: apt-get install g++." >&2; exit 1; }

install() { "$python" -m pip install --quiet --no-compile "$@"; }
install 'setuptools>=77' wheel 'cmake<4' packaging
"$python" -m pip download --quiet --no-deps --no-binary horovod --no-build-isolation --dest "$folder" "horovod==$version"
tar --extract --gzip --file "$folder/horovod-$version.tar.gz" --directory "$folder"

source=$folder/horovod-$version
sed -i '/::InitializeForProcessSet(/,/^}/ s/iface = gloo_iface_;/iface = global_context.gloo_iface_;/' \
  "$source/horovod/common/gloo/gloo_context.cc"
grep -q 'iface = global_context.gloo_iface_;' "$source/horovod/common/gloo/gloo_context.cc"
sed -i "s/^__version__ = '$version'/__version__ = '$version+iface'/" "$source/horovod/__init__.py"

export PATH=$(dirname "$(command -v "$python")"):$PATH # of CMake
export HOROVOD_WITH_MXNET=1 HOROVOD_WITH_GLOO=1 HOROVOD_WITHOUT_MPI=1
export HOROVOD_WITHOUT_PYTORCH=1 HOROVOD_WITHOUT_TENSORFLOW=1
install --no-build-isolation "$source"
"$python" -c "
import horovod.mxnet
import horovod
print('Horovod', horovod.__version__, 'is installed; what it adds up travels by', 'NCCL' if horovod.mxnet.nccl_built() else 'Gloo')"
