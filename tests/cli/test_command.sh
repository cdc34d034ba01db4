#!/bin/sh
# SPDX-License-Identifier: MIT
# The drumfire command: what it does, what it refuses, with which exit status and which words.
. tests/cli/common.sh
device=${DRUMFIRE_DEVICE:-soft:gfx1030}

# expect STATUS WORDS COMMAND...: the status, and the words in what was printed.
expect() {
	status=$1
	words=$2
	shift 2
	"$@" >"$dir/out" 2>"$dir/err"
	got=$?
	if [ "$got" -eq "$status" ] && { [ -z "$words" ] || cat "$dir/out" "$dir/err" | grep -qF -e "$words"; }; then
		verdict 0 ""
	else
		verdict 1 "expected $status and '$words', got $got from: $*"
	fi
}

# refuse STATUS WORDS ARG...: drumfire launch with saxpy's good arguments replaced; one line on standard error, no output.
refuse() {
	status=$1
	words=$2
	shift 2
	expect "$status" "$words" "$drumfire" launch --device "$device" "$@"
	if [ "$status" -eq 1 ] && { [ "$(wc -l <"$dir/err")" -ne 1 ] || [ -s "$dir/out" ]; }; then
		verdict 1 "more than one line for: $*"
	fi
}

equal() {
	cmp -s "$1" "$2"
	verdict $? "$1 differs from $2"
}

json() {
	grep -q "\"$1\": $2" "$dir/out"
	verdict $? "no \"$1\": $2"
}

# x, y and 2x + y as floats: 64 each
awk 'BEGIN { for (i = 0; i < 64; i++) print i }' >"$dir/numbers"
floats() {
	text=$(awk -v f="$1" '{
		v = $1 * f; e = 0
		if (v == 0) { printf "\\000\\000\\000\\000"; next }
		while (v >= 2) { v /= 2; e++ }
		b = (e + 127) * 8388608 + int((v - 1) * 8388608)
		printf "\\%03o\\%03o\\%03o\\%03o", b % 256, int(b / 256) % 256, int(b / 65536) % 256, int(b / 16777216)
	}' "$dir/numbers")
	# shellcheck disable=SC2059 # the format is the bytes
	printf "$text"
}
floats 1 >"$dir/x"
floats 3 >"$dir/y"
floats 5 >"$dir/z"
code=$IMAGES/saxpy.dfi

expect 2 "usage: drumfire" "$drumfire"
expect 0 "usage: drumfire" "$drumfire" --help
expect 0 "drumfire 0." "$drumfire" --version
expect 2 "no command 'frobnicate'" "$drumfire" frobnicate
for command in devices launch pack image replay demo; do
	expect 0 "usage: drumfire $command" "$drumfire" $command --help
	expect 2 "" "$drumfire" $command --no-such-option
done
expect 0 "gfx1030" "$drumfire" devices
expect 0 '"target": "gfx1030"' "$drumfire" devices --json
expect 2 "takes no arguments" "$drumfire" devices more

# a launch from an image
expect 0 '"launches": 1,' "$drumfire" launch --device "$device" --code "$code" --grid 1 --stats json \
	"in:$dir/x" "in:$dir/y" "out:256:$dir/result" u32:64 f32:2
equal "$dir/result" "$dir/z"
for name in ioctls ib_dwords latency_ns input_bytes output_bytes readback_bytes moved_bytes device_allocation_bytes \
	device_allocation_events output_buffers resident_rows resident_handles kernel_launches sync_points recovered \
	strict_findings; do
	json $name ""
done
json AMDGPU_CS 1
json submit_ioctls 1
json input_bytes 512
json output_bytes 256
expect 0 "" "$drumfire" launch --device "$device" --code "$code" --grid 1 --block 64,1,1 "in:$dir/x" "in:$dir/y" \
	"out:256:$dir/result2" u32:0x40 f32:2.0e0
equal "$dir/result2" "$dir/z"
expect 0 '"barriers": 99' "$drumfire" launch --device "$device" --code "$code" --grid 1 --repeat 100 --stats json \
	"in:$dir/x" "in:$dir/y" "out:256:$dir/result3" u32:64 f32:2
equal "$dir/result3" "$dir/z"
json launches 100
json AMDGPU_CS 1
expect 0 '"barriers": 0' "$drumfire" launch --device "$device" --code "$code" --grid 1 --repeat 100 --unordered \
	--stats json "in:$dir/x" "in:$dir/y" "out:256:$dir/result3" u32:64 f32:2
# what a kernel does not write stays zero, an inout file is written back
expect 0 "" "$drumfire" launch --device "$device" --code "$code" --grid 1 "in:$dir/x" "in:$dir/y" \
	"out:300:$dir/longer" u32:64 f32:2
head -c 44 /dev/zero | cat "$dir/z" - >"$dir/padded"
equal "$dir/longer" "$dir/padded"
cp "$dir/x" "$dir/back"
expect 0 "" "$drumfire" launch --device "$device" --code "$code" --grid 1 zero:256 "in:$dir/y" "inout:$dir/back" \
	u32:64 f32:2
equal "$dir/back" "$dir/y"
cp "$dir/x" "$dir/kept"
expect 0 "" "$drumfire" launch --device "$device" --code "$code" --grid 1 zero:256 "in:$dir/y" \
	"inout:$dir/kept:$dir/other" u32:64 f32:2
equal "$dir/kept" "$dir/x"
equal "$dir/other" "$dir/y"

# a code object, converted on the way: each launch adds to what the one before left
cat >"$dir/k.cl" <<'CL'
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
__kernel void add(__global int *p, int by)
{
	p[__builtin_amdgcn_workgroup_id_x() * 64 + __builtin_amdgcn_workitem_id_x()] += by;
}
__kernel void wide(__global long *p, long a, double b, half c)
{
	if (__builtin_amdgcn_workitem_id_x() == 0) {
		p[0] = a;
		p[1] = (long)b;
		p[2] = (long)c;
	}
}
CL
expect 0 "" "$CLANG" -x cl -cl-std=CL2.0 -Xclang -cl-ext=+cl_khr_fp16,+cl_khr_fp64 -O2 -target amdgcn-amd-amdhsa \
	-mcpu=gfx1030 -nogpulib "$dir/k.cl" -o "$dir/k.co"
head -c 256 /dev/zero >"$dir/zeros"
# 64 words of 2896
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
	printf '\120\013\000\000\120\013\000\000\120\013\000\000\120\013\000\000'
done >"$dir/expected"
expect 0 "" "$drumfire" launch --device "$device" --code "$dir/k.co" --kernel add --grid 1 --block 64 --repeat 1000 \
	"inout:$dir/zeros:$dir/sum" i32:-3
head -c 256 /dev/zero >"$dir/zeros"
expect 0 "" "$drumfire" launch --device "$device" --code "$dir/k.co" --kernel add --grid 1 --block 64 --repeat 1448 \
	"inout:$dir/zeros:$dir/sum" i32:2
equal "$dir/sum" "$dir/expected"
printf '\377\377\377\377\377\377\377\377\007\000\000\000\000\000\000\000\376\377\377\377\377\377\377\377' >"$dir/expected"
expect 0 "" "$drumfire" launch --device "$device" --code "$dir/k.co" --kernel wide --grid 1 --block 64 \
	"out:24:$dir/wide" i64:-1 f64:7.5 f16:-2.5
equal "$dir/wide" "$dir/expected"
refuse 1 "no kernel named" --code "$dir/k.co" --kernel nothing --grid 1 zero:256 i32:1
refuse 1 "has 8 bytes, this type has 4" --code "$dir/k.co" --kernel wide --grid 1 zero:24 i32:1 f64:1 f16:1
refuse 1 "takes a value" --code "$dir/k.co" --kernel add --grid 1 zero:256 zero:4

# strict mode is a soft device's
case $device in
soft*) expect 0 '"strict_findings": []' "$drumfire" launch --device "$device" --strict --code "$code" --grid 1 \
	--stats json "in:$dir/x" "in:$dir/y" "out:256:$dir/r" u32:64 f32:2 ;;
*) refuse 1 "--strict needs a software GPU" --strict --code "$code" --grid 1 zero:4 zero:4 zero:4 u32:0 f32:0 ;;
esac

# refusals: options
refuse 2 "--code FILE is missing" --grid 1
refuse 2 "--grid X[,Y[,Z]] is missing" --code "$code"
for grid in 0 1,0 1,2,3,4 "1," ",1" -1 x 4294967296 " 1" +1 ""; do
	refuse 2 "--grid" --code "$code" --grid "$grid"
	refuse 2 "--block" --code "$code" --grid 1 --block "$grid"
done
for repeat in 0 -1 x 100000001 1.5; do
	refuse 2 "--repeat" --code "$code" --grid 1 --repeat "$repeat"
done
refuse 2 "--stats" --code "$code" --grid 1 --stats xml
refuse 2 "--timeout" --code "$code" --grid 1 --timeout 0
# argument words
while IFS='|' read -r words word; do
	refuse 2 "$words" --code "$code" --grid 1 "$word"
done <<'ROWS'
unknown kind|x:1
unknown kind|1
unknown kind|
not a number|u32:
not a number|u32:1x
not a number|u32:-1
not a number|u32:+1
not a number|u32: 1
not a number|u32:0x
not a number|u32:1.0
out of range|u32:4294967296
out of range|i32:2147483648
out of range|i32:-2147483649
out of range|u64:18446744073709551616
out of range|i64:9223372036854775808
out of range|i64:-9223372036854775809
not a number|f32:
not a number|f32:one
not a number|f32:1.0f
not a number|f32:infinity
out of range|f32:1e39
out of range|f32:1e-60
out of range|f64:1e309
out of range|f16:65520
out of range|f16:1e-9
file name is empty|in:
expected out:BYTES:FILE|out:4
size is 0|out:0:f
not a number of bytes|out:x:f
file name is empty|out:4:
out of range|zero:18446744073709551616
size is 0|zero:0
not a number of bytes|zero:
file name is empty|inout::f
file name is empty|inout:f:
ROWS
# files, kernels, counts
refuse 1 "No such file" --code "$dir/none" --grid 1
refuse 1 "$dir/none" --code "$code" --grid 1 "in:$dir/none" zero:4 zero:4 u32:1 f32:1
: >"$dir/empty"
refuse 1 "is empty" --code "$code" --grid 1 "in:$dir/empty" zero:4 zero:4 u32:1 f32:1
refuse 1 "not a regular file" --code "$code" --grid 1 "in:$dir" zero:4 zero:4 u32:1 f32:1
refuse 1 "takes 5 arguments, 0 were given" --code "$code" --grid 1
refuse 1 "takes a buffer" --code "$code" --grid 1 u64:1 zero:4 zero:4 u32:1 f32:1
refuse 1 "has 4 bytes, this type has 8" --code "$code" --grid 1 zero:4 zero:4 zero:4 u64:1 f32:1
refuse 1 "" --code "$dir/x" --grid 1 zero:4 zero:4 zero:4 u32:1 f32:1
refuse 1 "" --code "$code" --kernel other --grid 1 zero:4 zero:4 zero:4 u32:1 f32:1
refuse 1 "cannot write" --code "$code" --grid 1 zero:4 zero:4 "out:4:$dir/no/such/folder" u32:1 f32:1
# one line that says what to do: damaged files, sizes and grids that cannot be, places that cannot be written
head -c 100 "$code" >"$dir/cut.dfi"
head -c -4 "$code" >"$dir/short.dfi"
printf 'no image at all' >"$dir/text"
good="zero:256 zero:256 zero:256 u32:1 f32:1"
for file in cut.dfi short.dfi empty text none .; do
	refuse 1 "Fix:" --code "$dir/$file" --grid 1 zero:4
	expect 1 "Fix:" "$drumfire" image "$dir/$file"
	expect 1 "Fix:" "$drumfire" pack "$dir/$file" -o "$dir/packed"
done
expect 1 "Fix:" "$drumfire" pack --glsl "$dir/none" -o "$dir/packed"
expect 1 "Fix:" "$drumfire" pack --glsl "$dir/text" -o "$dir/packed"
expect 1 "descriptor set 0" "$drumfire" pack --glsl tests/soft/radv/mix.comp -o "$dir/packed"
expect 1 "Fix:" "$drumfire" pack "$dir/k.co" -o "$dir/no/such/folder/k.dfi"
[ ! -e "$dir/packed" ]
verdict $? "a refused pack left its output"
# shellcheck disable=SC2086 # words
{
	refuse 1 "Fix:" --code "$code" --grid 1,70000 $good
	refuse 1 "Fix:" --code "$code" --grid 1 --block 128 $good
	refuse 1 "Fix:" --code "$code" --grid 1 $good u32:1
	refuse 1 "Fix:" --code "$code" --kernel other --grid 1 $good
}
for out in "$dir" /dev/full "$dir/no/such/folder"; do
	refuse 1 "Fix:" --code "$code" --grid 1 zero:256 zero:256 "out:256:$out" u32:1 f32:1
done
for size in 99999999999999 1099511627776; do
	refuse 1 "Fix:" --code "$code" --grid 1 zero:4 zero:4 "zero:$size" u32:1 f32:1
done
for name in soft:gfx1033 soft:gfx1030,threads=0 soft:gfx1030,kernel=5.0 soft:gfx1030,vram=1M soft:gfx1030,nonsense \
	soft:gfx9999 /dev/null /nowhere; do
	# shellcheck disable=SC2086
	expect 1 "Fix:" "$drumfire" launch --device "$name" --code "$code" --grid 1 $good
done
expect 1 "" "$drumfire" launch --device nonsense --code "$code" --grid 1
expect 1 "" "$drumfire" launch --device soft:gfx9999 --code "$code" --grid 1

# nothing of the progress line reaches a pipe
expect 0 "" "$drumfire" launch --device "$device" --code "$code" --grid 1 --repeat 200001 --unordered zero:4 zero:4 \
	zero:4 u32:1 f32:1
[ ! -s "$dir/out" ] && [ ! -s "$dir/err" ]
verdict $? "a quiet launch printed something"

expect 1 "none" "$drumfire" demo --device "$device" --shaders "$dir/none"
expect 0 "Every result equals the CPU's." "$drumfire" demo --device "$device" --shaders "$IMAGES"
expect 2 "usage" "$drumfire" demo more

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
