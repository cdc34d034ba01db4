#!/bin/sh
# SPDX-License-Identifier: MIT
# The program in README.md compiles as shown and prints what is promised; it is as short as promised.
set -u
BUILD=${BUILD:-build}
IMAGES=${DRUMFIRE_SHADERS:-build/shaders}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

check() {
	what=$1
	shift
	if "$@" >"$dir/log" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL: $what"
		sed 's/^/    /' "$dir/log"
	fi
}

says() {
	if ! "$dir/saxpy" "$1" "$IMAGES/saxpy.dfi" >"$dir/out" 2>&1; then
		cat "$dir/out"
		return 1
	fi
	grep -qx 'z\[1000\] = 3000' "$dir/out"
}

refuses() {
	if "$dir/saxpy" "$@" >"$dir/out" 2>&1; then
		return 1
	fi
	[ -s "$dir/out" ]
}

# shellcheck disable=SC2016 # the fence of a code block
sed -n '/^```c$/,/^```$/p' README.md | sed '/^```/d' >"$dir/saxpy.c"
check "README.md holds a program" grep -q 'int main' "$dir/saxpy.c"
check "it has about forty lines of its own" test "$(sed -n '/^int main/,$p' "$dir/saxpy.c" | wc -l)" -le 40
for cc in gcc clang; do
	check "$cc" $cc -std=gnu11 -Wall -Wextra "$dir/saxpy.c" -o "$dir/saxpy" -Ilib "-L$BUILD" -ldrumfire \
		"-Wl,-rpath,$(cd "$BUILD" && pwd)"
	check "what it prints ($cc)" says "${DRUMFIRE_DEVICE:-soft:gfx1030}"
	check "a device that does not exist ($cc)" refuses /dev/none "$IMAGES/saxpy.dfi"
	check "a file that is no image ($cc)" refuses soft:gfx1030 README.md
	check "no arguments ($cc)" refuses
done
# shellcheck disable=SC2016 # code spans
for path in $(grep -oE '`(scripts|lib|uapi|shaders|tests)/[a-zA-Z0-9_./-]*`' README.md | tr -d '`'); do
	check "README.md names $path" test -e "$path"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
