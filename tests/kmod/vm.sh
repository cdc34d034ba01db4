#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/kmod/vm.sh [KERNEL [LEVEL]]: the tests of drumfire.ko (inside.sh names the levels), in a VM with a stock kernel, or
# the debug one. Prints "N passed, N failed"; a complaint in the kernel log is a failure more. full also proves that a
# complaint would be seen. smoke says how long the machine took from start to end.
set -u
cd "$(dirname "$0")/../.." || exit 1
kernel=${1:-${VM_KERNEL:-6.1}}
level=${2:-basic}

# A kernel that warns fails the run, whatever the command says; without one the command's own status comes back.
splat_is_seen() {
	scripts/vm run --kernel "$kernel" --bare -- sh -c 'echo "WARNING: of a test" >/dev/kmsg' 2>/dev/null
	[ $? = 99 ] && scripts/vm run --kernel "$kernel" --bare -- sh -c 'exit 7'
	[ $? = 7 ] || return 1
	[ "$kernel" = debug ] || return 0
	# a use after free, which KASAN must tell of
	scripts/vm run --kernel debug --bare -- sh -c 'echo WRITE_AFTER_FREE >/sys/kernel/debug/provoke-crash/DIRECT' 2>/dev/null
	[ $? = 99 ]
}

if [ "$level" = full ]; then
	[ "$kernel" = debug ] && export VM_TIMEOUT="${VM_TIMEOUT:-7200}"
	export VM_TIMEOUT="${VM_TIMEOUT:-1800}"
	if splat_is_seen; then
		echo "1 passed, 0 failed (a warning in the kernel log is seen)"
	else
		echo "0 passed, 1 failed (a warning in the kernel log goes unseen)"
		exit 1
	fi
fi
[ "$level" != suite ] || scripts/sid-root >/dev/null || exit 1
begin=$(date +%s)
functions=1 # a device that was unplugged keeps its own while it is open
[ "$level" != loss ] || functions=2
scripts/vm run --kernel "$kernel" --bare --functions "$functions" -- tests/kmod/inside.sh "$level"
status=$?
[ "$level" != smoke ] || echo "$(($(date +%s) - begin)) s from start to end"
if [ "$status" -gt 1 ]; then
	echo "0 passed, 1 failed"
fi
exit "$status"
