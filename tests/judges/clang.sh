#!/bin/sh
# SPDX-License-Identifier: MIT
# clang.sh [FIRST COUNT [SEED]]: OpenCL C kernels made from a seed, compiled by clang for gfx1030 at -O0, -O1, -O2, -O3
# and -Os, for waves of 32 and of 64 in turn, run on the software GPU and compared with the same source compiled for the
# host. The compiler is clang 21 of Debian's development suite (scripts/sid-root). CL_OLD=1: Debian 12's clang 16, which
# at -O0 reloads values before it restores EXEC (tests/image/cl/twin.h): not to be had at that level. What else each is
# known to make wrong is in cl/made-wrong, and counted apart.
# CL_BUILDS: other levels. CL_EVERY: of ten kernels, one in so many. CL_DEVICE: another device. CL_WORK: where everything
# is left to be looked at.
set -eu
cd "$(dirname "$0")/../.."
first=${1:-0}
count=${2:-300}
seed=${3:-1}
export BUILD="${BUILD:-build}" CLANG="${CLANG:-clang-16}" LLD="${LLD:-ld.lld-16}"
builds=${CL_BUILDS:-O0 O1 O2 O3 Os}
work=${CL_WORK:-}
if [ -z "$work" ]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work"
here=tests/judges/cl
DEVICE_LIBS=$(dirname "$(find /usr/lib -path '*amdgcn/bitcode/ockl.bc' 2>/dev/null | head -n 1)")
NEW=
[ -n "${CL_OLD:-}" ] || NEW=$(scripts/sid-root clang)
export DEVICE_LIBS NEW work
cflags="-std=gnu11 -O2 -Wall -Wextra -D_GNU_SOURCE -I. -Ilib"
# shellcheck disable=SC2086 # flags
{
	${CC:-cc} $cflags -o "$work/gen" $here/gen*.c
	${CC:-cc} $cflags -o "$work/run" $here/run.c -L"$BUILD" -ldrumfire -lm -ldl
	"$CLANG" -std=gnu11 -D_GNU_SOURCE -O1 -fPIC -ffp-contract=off -fvisibility=hidden -I. -c tests/image/cl/native.c -o "$work/native.o"
	${CC:-cc} $cflags -fPIC -c $here/ref.c -o "$work/ref.o"
}
"$work/gen" "$work" "$first" "$count" "$seed" "${CL_EVERY:-1}"

# -w: generated code means what it says.
export CL_FLAGS="-x cl -cl-std=CL2.0 -ffp-contract=off -I. -w"
# shellcheck disable=SC2016 # expanded when they run
{
	echo 'b=$1; "$CLANG" $CL_FLAGS -O1 -DTWIN_NATIVE -fPIC -c "$work/b$b.cl" -o "$work/host-$b.o"' >"$work/host.sh"
	echo 'set -e; b=$1; o=$2; w=$3; more=$4
	out=$work/b$b-$o-w$w
	[ "$w" = 64 ] && flags="-mwavefrontsize64 -DTWIN_VERSION=4 -mcode-object-version=4" || flags="-DTWIN_VERSION=5 -mcode-object-version=5"
	[ "$more" = exact ] && flags="$flags -cl-fp32-correctly-rounded-divide-sqrt"
	if [ -n "$NEW" ]; then
		own=$NEW/usr/lib/llvm-21/lib/clang/21
		CLANG="env SID=clang scripts/in-sid /usr/bin/clang-21 -resource-dir $own"
		LLD="env SID=clang scripts/in-sid /usr/bin/ld.lld-21"
		DEVICE_LIBS=$own/amdgcn/bitcode
	fi
	$CLANG $CL_FLAGS -target amdgcn-amd-amdhsa -mcpu=gfx1030 --rocm-device-lib-path="$DEVICE_LIBS" $flags -DTWIN_WAVE="$w" "-$o" -c "$work/b$b.cl" -o "$out.o"
	$LLD -shared "$out.o" -o "$out.co"
	"$BUILD/drumfire" pack -o "$out.dfi" "$out.co"' >"$work/gpu.sh"
}
awk '/^batch/ { print $2 }' "$work/index" | xargs -n 1 -P "$(nproc)" sh "$work/host.sh"
awk -v builds="$builds" '/^batch/ {
	n = split(builds, o, " ")
	for (i = 1; i <= n; i++)
		print $2, o[i], ($2 + int($2 / 10) + i) % 2 ? 64 : 32, $3
}' "$work/index" | xargs -n 4 -P "$(nproc)" sh "$work/gpu.sh"
"${CC:-cc}" -shared -Wl,-z,defs -o "$work/native.so" "$work"/host-*.o "$work/native.o" "$work/ref.o" -lm -ldl
run() {
	DRUMFIRE_GPU_LIB=$BUILD/libdrumfire-gpu.so LD_LIBRARY_PATH=$BUILD "$work/run" "$work" "${CL_DEVICE:-soft:gfx1030}"
}
if [ "$seed" != 1 ]; then
	run
else
	run | awk -F '\t' -v compiler="${NEW:+21}" '
		FNR == NR { if ($1 == (compiler == "" ? 16 : compiler)) { levels[$2] = $3; what[$2] = $4 } next }
		/^k[0-9]+ of .* words, first word / {
			split($0, word, " ")
			split(word[3], build, "-")
			if (index(" " levels[word[1]] " ", " " build[2] " ")) { n++; $0 = $0 " (the compiler: " what[word[1]] ")" }
		}
		/ passed, / { ended = 1; split($0, word, " "); bad = word[3] - n; $0 = word[1] " passed, " bad " failed, " n + 0 " made wrong by the compiler" }
		{ print }
		END { exit bad > 0 || !ended }' $here/made-wrong -
fi
