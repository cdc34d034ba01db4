#!/bin/sh
# SPDX-License-Identifier: MIT
# The Vulkan compute set on the soft node through this machine's own RADV.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${BUILD:-$here/../../build}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2016 # expanded when it runs
printf '#!/bin/sh\nexport DRUMFIRE_SHIM="$SHIM" LD_PRELOAD="%s"\nexec "$@"\n' "$build/libdrumfire-shim.so" >"$work/on-shim"
chmod +x "$work/on-shim"
export VK_ICD_FILENAMES="${VK_ICD_FILENAMES:-/usr/share/vulkan/icd.d/radeon_icd.x86_64.json}"
sh "$here/run.sh" "RADV of this machine," "$work/on-shim"
