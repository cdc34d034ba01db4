#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh NAME WRAP...: builds the Vulkan programs and runs each on soft devices in strict mode, through the Vulkan driver
# that WRAP (a command put before the program) brings. A finding is a failure: RADV is known to work on hardware. Prints a
# line a program, then "N passed, N failed". TARGETS: other targets than both.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
name=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for shader in "$here"/*.comp "$top"/shaders/*.comp; do
	glslangValidator -V --quiet --target-env vulkan1.2 -I"$top/uapi" -I"$top/shaders" -o "$work/$(basename "$shader" .comp).spv" "$shader"
done
total=0
bad=0
for target in ${TARGETS:-gfx1030 gfx1033}; do
	for source in "$here"/vk_*.c; do
		program=$(basename "$source" .c)
		${CC:-cc} -std=gnu11 -O1 -Wall -Wextra -Wno-missing-field-initializers -o "$work/$program" "$source" "$here/vk.c" -lvulkan -lm
		spec=$target,strict
		[ "$program" = vk_lost ] && spec=$target,timeout_ms=500
		rm -f "$work/findings"
		status=0
		SHIM=$spec DRUMFIRE_FINDINGS=$work/findings MESA_SHADER_CACHE_DISABLE=true timeout 300 "$@" "$work/$program" "$work" >"$work/out" 2>&1 || status=$?
		line=$(tail -n 1 "$work/out")
		case $line in
		*" passed, "*" failed") ;;
		*) line="0 passed, 1 failed" ;;
		esac
		passed=${line%% passed*}
		failed=${line#*, }
		failed=${failed%% failed}
		findings=0
		[ "$program" = vk_lost ] || { [ -e "$work/findings" ] && findings=$(wc -l <"$work/findings"); }
		[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
		if [ "$failed" -gt 0 ]; then grep -v '^ok:' "$work/out" | sed 's/^/    /'; fi
		if [ "$findings" -gt 0 ]; then head -n 5 "$work/findings" | sed 's/^/    /'; failed=$((failed + 1)); fi
		echo "$name $target $program: $passed passed, $failed failed, $findings findings"
		total=$((total + passed))
		bad=$((bad + failed))
	done
done
echo "$total passed, $bad failed"
[ "$bad" -eq 0 ] && [ "$total" -gt 0 ]
