# SPDX-License-Identifier: MIT
# What the tests of the command share: the command, a folder of their own, and the count.
set -u
BUILD=${BUILD:-build}
IMAGES=${DRUMFIRE_SHADERS:-build/shaders}
CLANG=${CLANG:-clang-16}
drumfire=$BUILD/drumfire
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0

# verdict STATUS WHAT: 0 is good; else WHAT and the last output are shown.
verdict() {
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL: $2"
		sed 's/^/    /' "$dir/out" "$dir/err"
	fi
}
