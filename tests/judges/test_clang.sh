#!/bin/sh
# SPDX-License-Identifier: MIT
# A sample of what scripts/judges clang runs whole: one in five of the first fifty generated kernels, at two levels.
set -eu
cd "$(dirname "$0")/../.."
CL_OLD=1 CL_EVERY=5 CL_BUILDS="O1 O3" exec sh tests/judges/clang.sh 0 50
