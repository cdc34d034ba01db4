#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/kmod/vm.sh [KERNEL [basic|full]]: the tests of drumfire.ko, in a VM with a stock kernel. Prints "N passed, N
# failed"; a complaint in the kernel log is a failure more.
set -u
cd "$(dirname "$0")/../.." || exit 1
scripts/vm run --kernel "${1:-${VM_KERNEL:-6.1}}" --bare -- tests/kmod/inside.sh "${2:-basic}"
status=$?
if [ "$status" -gt 1 ]; then
	echo "0 passed, 1 failed"
fi
exit "$status"
