/* SPDX-License-Identifier: MIT */
/* Decodes any bytes as gfx10.3 code, instruction by instruction; a read behind the buffer is the sanitizers' to see. */
#include <stdlib.h>
#include <string.h>

#include "gpu/isa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = size / 4;
	uint32_t *code = malloc(n ? 4 * n : 1);

	if (!code)
		return 0;
	memcpy(code, data, 4 * n);
	for (size_t at = 0; at < n;) {
		struct gpu_inst in;
		const char *why = NULL;
		unsigned left = n - at > 5 ? 5 : (unsigned)(n - at);
		unsigned took = gpu_isa_decode(&gpu_isa_gfx10_3, code + at, left, &in, &why);

		if (took > left || (took ? !in.op : !why || !why[0]))
			abort();
		at += took ? took : 1;
	}
	free(code);
	return 0;
}
