# Tests of the core count the allocations of the hot path.
LIBS_test_core := -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=reallocarray
