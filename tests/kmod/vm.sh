#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/kmod/vm.sh [KERNEL [basic|full]]: the tests of drumfire.ko, in a VM with a stock kernel. Prints "N passed, N
# failed"; a complaint in the kernel log is a failure more. full also proves that a complaint would be seen.
set -u
cd "$(dirname "$0")/../.." || exit 1
kernel=${1:-${VM_KERNEL:-6.1}}
level=${2:-basic}

# A kernel that warns fails the run, whatever the command says; without one the command's own status comes back.
splat_is_seen() {
	scripts/vm run --kernel "$kernel" --bare -- sh -c 'echo "WARNING: of a test" >/dev/kmsg' 2>/dev/null
	[ $? = 99 ] && scripts/vm run --kernel "$kernel" --bare -- sh -c 'exit 7'
	[ $? = 7 ]
}

if [ "$level" = full ]; then
	export VM_TIMEOUT="${VM_TIMEOUT:-1800}"
	if splat_is_seen; then
		echo "1 passed, 0 failed (a warning in the kernel log is seen)"
	else
		echo "0 passed, 1 failed (a warning in the kernel log goes unseen)"
		exit 1
	fi
fi
scripts/vm run --kernel "$kernel" --bare -- tests/kmod/inside.sh "$level"
status=$?
if [ "$status" -gt 1 ]; then
	echo "0 passed, 1 failed"
fi
exit "$status"
