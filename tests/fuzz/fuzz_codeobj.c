/* SPDX-License-Identifier: MIT */
/* Code objects: whatever the bytes, pack refuses them or writes an image that the parser takes. */
#include <stdint.h>
#include <stdlib.h>

#include "cli/pack.h"

/* The packer is part of the command, not of the library. NOLINTBEGIN(bugprone-suspicious-include) */
#include "cli/pack_metadata.c"
#include "cli/pack_object.c"
#include "cli/pack_write.c"
/* NOLINTEND(bugprone-suspicious-include) */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pack_options options = {.source = "fuzz"};
	struct pack_metadata *metadata;
	void *image;
	size_t image_B;

	if (pack_object(data, size, &options, &image, &image_B) == 0)
		free(image);
	if (pack_metadata_parse(data, size, "fuzz", &metadata) == 0)
		pack_metadata_free(metadata);
	return 0;
}
