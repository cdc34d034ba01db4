#!/bin/sh
# SPDX-License-Identifier: MIT
# The fidelity report: what drumfire launch --fidelity and DRUMFIRE_FIDELITY say of a run, also of one that is refused and
# of a client of the shim.
. tests/cli/common.sh

# says FILE KIND NAME FIDELITY WORDS: a line of a report, which counts at least one use
says() {
	awk -v kind="$2" -v name="$3" -v fidelity="$4" -v words="$5" \
		'$1 == kind && $2 == name && $3 > 0 && $4 == fidelity && index($0, words) { found = 1 } END { exit !found }' "$1"
	verdict $? "$1 does not say: $2 $3 $4 $5"
}

# run STATUS REFUSE OPTION...: the kernel below over one float, 4
run() {
	status=$1
	refuse=$2
	shift 2
	printf '\0\0\200\100' >"$dir/x"
	"$drumfire" launch --code "$dir/k.co" --grid 1 --block 32 "$@" "inout:$dir/x:$dir/y" "i32:$refuse" >"$dir/out" 2>"$dir/err"
	got=$?
	[ "$got" -eq "$status" ]
	verdict $? "expected $status, got $got with $*"
}

cat >"$dir/k.cl" <<'END'
kernel void k(global float *x, int refuse)
{
	x[0] = __builtin_amdgcn_rcpf(x[0]);
	if (refuse)
		__asm__ volatile("s_sendmsghalt 0");
}
END
"$CLANG" -x cl -cl-std=CL2.0 -target amdgcn-amd-amdhsa -mcpu=gfx1030 -nogpulib -O2 "$dir/k.cl" -o "$dir/k.co" >"$dir/out" 2>"$dir/err"
verdict $? "the kernel does not compile"

run 0 0 --fidelity
says "$dir/err" VOP1 v_rcp_f32 approximate "at most 1 ulp apart"
says "$dir/err" GLOBAL global_store_dword exact -
says "$dir/err" packet DISPATCH_DIRECT exact -
says "$dir/err" register COMPUTE_PGM_LO exact -
says "$dir/err" event CS_PARTIAL_FLUSH exact "earlier launches end first"
! grep -q "s_sendmsghalt\|^refusal" "$dir/err"
verdict $? "says more than was used"
[ ! -s "$dir/out" ]
verdict $? "something on the standard output"

run 1 1 --device soft:gfx1030,timeout_ms=300 --fidelity="$dir/report"
says "$dir/report" SOPP s_sendmsghalt refused halts
says "$dir/report" refusal - refused "s_sendmsghalt: message 0"
says "$dir/report" VOP1 v_rcp_f32 approximate ulp

# Reports are added to what is there.
run 0 0 --fidelity="$dir/report"
[ "$(grep -c '^# drumfire fidelity' "$dir/report")" -eq 2 ]
verdict $? "not two reports"

run 0 0 --fidelity="$dir/nowhere/report"
grep -q "cannot be written to .*nowhere/report.*Fix: " "$dir/err"
verdict $? "no word of a file that cannot be written"

run 1 0 --device /dev/null --fidelity
grep -q "needs a software GPU.*Fix: " "$dir/err"
verdict $? "--fidelity of another device"

# Any client: drumfire itself, which the shim shows a render node.
if [ -e "$BUILD/libdrumfire-shim.so" ]; then
	printf '\0\0\200\100' >"$dir/x"
	DRUMFIRE_FIDELITY=$dir/shim DRUMFIRE_SHIM=gfx1033 LD_PRELOAD=$(realpath "$BUILD/libdrumfire-shim.so") \
		"$drumfire" devices >"$dir/out" 2>"$dir/err"
	grep -q renderD "$dir/out" && [ ! -e "$dir/shim" ]
	verdict $? "a report of no jobs"
	"$CLANG" -x cl -cl-std=CL2.0 -target amdgcn-amd-amdhsa -mcpu=gfx1033 -nogpulib -O2 "$dir/k.cl" -o "$dir/k.co" &&
		DRUMFIRE_FIDELITY=$dir/shim DRUMFIRE_SHIM=gfx1033 LD_PRELOAD=$(realpath "$BUILD/libdrumfire-shim.so") \
			"$drumfire" launch --device auto --code "$dir/k.co" --grid 1 --block 32 "inout:$dir/x:$dir/y" i32:0 >"$dir/out" 2>"$dir/err"
	verdict $? "through the shim"
	says "$dir/shim" VOP1 v_rcp_f32 approximate ulp
	grep -q '^# drumfire fidelity: gfx1033' "$dir/shim"
	verdict $? "the target's name"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
