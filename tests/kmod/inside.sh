#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs inside the VM (scripts/vm run --bare -- tests/kmod/inside.sh [LEVEL]): drumfire.ko with the software GPU and with
# the no-op hardware process. Prints "N passed, N failed". The kernel log is judged by scripts/vm. LEVEL:
#   smoke  a kernel and a megakernel over 100 sets      basic  the module      full  the same, in the numbers of the issue
#   suite  the library's tests that take a device, and RADV's compute set
#   loss   every fault at sampled launches, and the demo's chapter
set -u
build=${BUILD:-build}
level=${1:-basic}
passed=0
failed=0
tmp=$(mktemp -d)

check() { # NAME COMMAND...
	name=$1
	shift
	started=$(cut -d. -f1 /proc/uptime)
	if "$@" >"$tmp/out" 2>&1; then
		passed=$((passed + 1))
		echo "ok   $name ($(($(cut -d. -f1 /proc/uptime) - started)) s)"
		grep -E '^client: .* each|^fuzz_ioctl|^refuse: [0-9]|Checks:|^RADV|^  (undisturbed|soft|saxpy)|^3\.' "$tmp/out" | sed 's/^/     /'
	else
		failed=$((failed + 1))
		tail -n 15 "$tmp/out" | sed 's/^/     /'
		echo "FAIL $name"
	fi
}

wait_node() { # NODE present|gone
	for _ in $(seq 60); do
		if [ "$2" = present ]; then
			[ -e "$1" ] && return 0
		else
			[ -e "$1" ] || return 0
		fi
		sleep 0.1
	done
	return 1
}

# On a debug kernel a few in a hundred of the allocations of processes that ask for it fail.
failures() { # on|off
	[ -e /sys/kernel/debug/failslab ] || return 0
	for kind in failslab fail_page_alloc; do
		(
			cd "/sys/kernel/debug/$kind" || exit 1
			echo 0 >probability
			[ "$1" = on ] || exit 0
			echo Y >task-filter
			echo N >ignore-gfp-wait
			[ ! -e min-order ] || echo 0 >min-order
			echo -1 >./times
			echo 0 >verbose
			echo 3 >probability
		)
	done
}

histogram() {
	head -c 4096 /dev/zero >"$tmp/x"
	"$build/drumfire" launch --device auto --code "$build/shaders/histogram.dfi" --grid 4 \
		"in:$tmp/x" "out:1024:$tmp/bins" u32:1024 && [ "$(od -An -tu4 -N4 "$tmp/bins" | tr -d ' ')" = 4096 ]
}

# The hardware process $hw is stopped, killed, or replaced.
start_hw() { # COMMAND...
	"$@" >>/run/vm/hardware.log 2>&1 &
	hw=$!
	wait_node "$node" present
}
stop_hw() {
	kill -KILL "$hw"
	wait "$hw" 2>/dev/null
	wait_node "$node" gone
}

unplug_under_load() { # ROUNDS
	for _ in $(seq "$1"); do
		start_hw "$build/drumfire" gpud --timeout-ms 2000 || return 1
		clients=""
		for _ in 1 2 3; do
			"$build/tests/kmod/client" "$node" load &
			clients="$clients $!"
		done
		sleep 0.5
		stop_hw || return 1
		for client in $clients; do
			wait "$client" || return 1
		done
	done
}

# A second device, which finds no PCI function free; the first does not notice its end.
two_devices() {
	other=/dev/dri/renderD129
	"$build/drumfire" gpud >>/run/vm/hardware.log 2>&1 &
	second=$!
	wait_node "$other" present && "$build/tests/kmod/client" "$other" jobs 50 &&
		"$build/tests/kmod/client" "$node" jobs 50 && kill -KILL "$second" && wait_node "$other" gone &&
		"$build/tests/kmod/client" "$node" jobs 50
}

# A process that does not answer is a hang, then a device that is gone.
stall() {
	start_hw "$build/drumfire" gpud --timeout-ms 1000 || return 1
	"$build/tests/kmod/client" "$node" load &
	client=$!
	sleep 0.5
	kill -STOP "$hw"
	wait "$client" || return 1
	kill -CONT "$hw"
	stop_hw
}

reset_masks() {
	for ring in gfx compute sdma; do
		grep -qx "queue full" "/sys/class/drm/${node##*/}/device/${ring}_reset_mask" || return 1
	done
}

# Version 5 of the list, and 4 shader engines of gfx1030.
chip_shape() {
	minor=${node##*renderD}
	[ "$(od -An -tu4 -N8 "/sys/kernel/debug/dri/$minor/amdgpu_gca_config" | tr -s ' ')" = " 5 4" ]
}

fuzz() { # CALLS PROCESSES
	failures on
	[ ! -e /sys/kernel/debug/failslab ] || export FUZZ_FAILURES=1
	clients=""
	result=0
	for seed in $(seq "$2"); do
		"$build/tests/kmod/fuzz_ioctl" "$node" "$1" "$seed" >"$tmp/fuzz.$seed" 2>&1 &
		clients="$clients $!"
	done
	for client in $clients; do
		wait "$client" || result=1
	done
	unset FUZZ_FAILURES
	failures off
	cat "$tmp"/fuzz.*
	return $result
}

suite() { # PROGRAM: a test program on this node
	DRUMFIRE_DEVICE=auto CK_TIMEOUT_MULTIPLIER=$((20 * slow)) "$build/tests/$1"
}

# A hardware process that takes faults, and is followed by another when it ends.
keep_hw() { # TIMEOUT_MS
	rm -f "$tmp/enough"
	[ -e "$tmp/faults" ] || mkfifo "$tmp/faults"
	while [ ! -e "$tmp/enough" ]; do
		"$build/drumfire" gpud --timeout-ms "$1" --faults "$tmp/faults" &
		echo $! >"$tmp/hw"
		wait $!
	done >>/run/vm/hardware.log 2>&1 &
	keeper=$!
	wait_node "$node" present
}
end_hw() {
	touch "$tmp/enough"
	kill -KILL "$(cat "$tmp/hw")"
	wait "$keeper"
	wait_node "$node" gone
}

# The Vulkan compute set through this machine's RADV and through sid's. What strict mode finds in their streams is a failure.
radv() { # TARGET
	start_hw "$build/drumfire" gpud --target "$1" --timeout-ms $((30000 * slow)) --strict
	check "RADV of this machine, $1" env TARGETS="$1" VK_ICD_FILENAMES=/usr/share/vulkan/icd.d/radeon_icd.x86_64.json \
		sh tests/judges/run.sh "RADV of this machine," env
	check "RADV of sid, $1" env TARGETS="$1" sh tests/judges/run.sh "RADV of sid," env -u SHIM scripts/in-sid
	stop_hw
}
no_findings() {
	! grep '(pc 0x' /run/vm/hardware.log
}

smoke() {
	start_hw "$build/drumfire" gpud --timeout-ms 60000
	check "histogram of a file" histogram
	check "100 sets in one submission, and plain kernels" "$build/drumfire" demo --device auto --sets 100 --shaders "$build/shaders"
	stop_hw
}

same_suite() {
	start_hw "$build/drumfire" gpud --timeout-ms 600000
	for program in amd/test_run mega/test_protocol mega/test_dispatch image/test_glsl image/test_clang; do
		check "suite $program" suite $program
	done
	check "suite cli/test_command" env DRUMFIRE_DEVICE=auto sh tests/cli/test_command.sh
	stop_hw
	radv gfx1030
	radv gfx1033
	check "strict mode finds nothing in RADV's streams" no_findings
}

loss() {
	export DRUMFIRE_FAULT_FIFO="$tmp/faults"
	keep_hw $((2000 * slow))
	check "faults at sampled launches, bit-identical" suite core/test_node
	end_hw
	keep_hw 20000 # the demo's other chapters are to end in time
	check "demo, with the loss of the GPU" "$build/drumfire" demo --device auto --sets 50 --shaders "$build/shaders"
	end_hw
}

module() {
	start_hw "$build/tests/kmod/noop_hw"
	check "no-op hardware: empty jobs" "$build/tests/kmod/client" "$node" jobs "$jobs"
	check "no-op hardware: unplugged" stop_hw

	# An emulated machine is slow: what must end well gets a minute, what must hang three seconds.
	start_hw "$build/drumfire" gpud --timeout-ms 60000
	check "histogram of a file" histogram
	check "100 sets in one submission, and plain kernels" "$build/drumfire" demo --device auto --sets 100 --shaders "$build/shaders"
	stop_hw

	start_hw "$build/drumfire" gpud --timeout-ms $((3000 * slow)) --vram 64M --gtt 128M
	check "memory passed on, zero when new" "$build/tests/kmod/client" "$node" passing
	check "how far a reset reaches" reset_masks
	check "a debugger reads and writes mappings" "$build/tests/kmod/client" "$node" debugger
	check "debugfs tells the chip's shape" chip_shape
	check "GDS memory is nothing" "$build/tests/kmod/client" "$node" special
	check "userptr" "$build/tests/kmod/client" "$node" userptr
	check "userptr: unmapped under jobs" "$build/tests/kmod/client" "$node" unmapping
	check "a child of fork" "$build/tests/kmod/client" "$node" fork
	check "files and buffers to a stranger" "$build/tests/kmod/client" "$node" strangers
	check "exit with work in flight" "$build/tests/kmod/client" "$node" leaving
	check "every field refuses what it must" "$build/tests/kmod/refuse" "$node"
	check "memory exhaustion" "$build/tests/kmod/client" "$node" memory
	check "two devices at once" two_devices
	check "hang: guilty, reset, new context" "$build/tests/kmod/client" "$node" hang
	check "hang: the bystander is unharmed" "$build/tests/kmod/client" "$node" bystander
	check "a dump of the hang" sh -c 'grep -q "a job took too long" /sys/class/devcoredump/devcd*/data'
	check "open, submit, exit" "$build/tests/kmod/client" "$node" cycles $((many * 100))
	check "SIGKILL in every ioctl" "$build/tests/kmod/client" "$node" kills $((many * 20))
	stop_hw
	check "unplug under load" unplug_under_load "$((many == 1 ? 2 : 10))"
	check "a hardware process that stalls" stall
	# last: where allocations fail, files that are opened over 9p meanwhile may be lost to the machine
	start_hw "$build/drumfire" gpud --timeout-ms $((3000 * slow)) --vram 64M --gtt 128M
	check "random ioctls from 4 processes" fuzz $((many * 2500)) 4
	stop_hw
}

node=/dev/dri/renderD128
[ ! -e "$node" ] || {
	echo "FAIL a hardware process runs already: use --bare"
	echo "0 passed, 1 failed"
	exit 1
}
many=1
jobs=2000
slow=1
[ "$level" = full ] && many=10 && jobs=100000
[ ! -e /sys/kernel/debug/failslab ] || { slow=4 && jobs=2000; }

case $level in
smoke) smoke ;;
suite) same_suite ;;
loss) loss ;;
*) module ;;
esac
rm -rf "$tmp"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
