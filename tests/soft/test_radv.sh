#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs an unmodified Vulkan driver (RADV) on the soft node through the LD_PRELOAD shim: a compute program whose results
# are compared with the CPU's. BUILD names the folder with the two libraries (default: build). Prints "N passed, N failed".
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${BUILD:-$here/../../build}" && pwd)
icd=${VK_ICD_FILENAMES:-/usr/share/vulkan/icd.d/radeon_icd.x86_64.json}
for need in "$build/libdrumfire-shim.so" "$build/libdrumfire-gpu.so" "$icd"; do
	if [ ! -e "$need" ]; then
		echo "test_radv: $need is missing. Fix: run make, or scripts/deps for the driver."
		echo "0 passed, 1 failed"
		exit 1
	fi
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
glslangValidator -V --quiet -o "$work/mix.spv" "$here/radv/mix.comp"
${CC:-cc} -std=gnu11 -O1 -Wall -Wextra -o "$work/vk_smoke" "$here/radv/vk_smoke.c" -lvulkan
total_passed=0
total_failed=0
for spec in gfx1030 gfx1030,kernel=6.1 gfx1030,kernel=6.12,threads=1; do
	for family in 0 1; do
		status=0
		LD_LIBRARY_PATH="$build${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" LD_PRELOAD="$build/libdrumfire-shim.so" \
			TMPDIR="$work" DRUMFIRE_SHIM="$spec" VK_ICD_FILENAMES="$icd" VK_SMOKE_FAMILY=$family \
			MESA_SHADER_CACHE_DISABLE=true timeout 120 "$work/vk_smoke" "$work/mix.spv" >"$work/out" 2>&1 || status=$?
		line=$(tail -n 1 "$work/out")
		case $line in
		*" passed, "*" failed") ;;
		*) line="0 passed, 1 failed" ;;
		esac
		if [ "$status" -ne 0 ]; then
			grep -v '^ok:' "$work/out" | sed "s/^/$spec queue family $family: /"
		fi
		echo "$spec, queue family $family: $line"
		total_passed=$((total_passed + ${line%% passed*}))
		failed=${line#*, }
		failed=${failed%% failed}
		if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
		total_failed=$((total_failed + failed))
	done
done
# The shim's files end with the program, also with one that leaves by _exit().
shim_ends() {
	if TMPDIR="$work" LD_LIBRARY_PATH="$build" "$@" >/dev/null && [ -z "$(find "$work" -name 'drumfire-shim-*')" ]; then
		total_passed=$((total_passed + 1))
	else
		echo "the shim leaves its folder behind: $*"
		total_failed=$((total_failed + 1))
	fi
}
shim_ends env LD_PRELOAD="$build/libdrumfire-shim.so" ls /dev/dri
shim_ends "$build/drumfire" pack --glsl "$here/../../shaders/fill.comp" -o "$work/mix.dfi"
echo "$total_passed passed, $total_failed failed"
[ "$total_failed" -eq 0 ]
