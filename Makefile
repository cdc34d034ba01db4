# SPDX-License-Identifier: MIT
# drumfire. `make help` lists the targets. Variables: BUILD (output folder), CC, SAN (sanitizers, "address,undefined" or
# "thread"), CROSS (a GNU triplet; needs SYSROOT), PREFIX and DESTDIR for install, V=1 to see commands.

BUILD ?= build
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
VERSION := 0.1.0
SOVERSION := 0
OPT ?= -O2 -g
ifdef CROSS
CC := $(CROSS)-gcc
AR := $(CROSS)-ar
STRIP := $(CROSS)-strip
endif
AR ?= ar
STRIP ?= strip
Q := $(if $(V),,@)
PKG_CONFIG ?= pkg-config
ifdef SYSROOT
pkg = $(shell PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(CROSS)/pkgconfig $(PKG_CONFIG) $(1))
SYSROOT_LIBS := -L$(SYSROOT)/usr/lib/$(CROSS) -Wl,-rpath-link,$(SYSROOT)/usr/lib/$(CROSS)
else
pkg = $(shell $(PKG_CONFIG) $(1))
endif

-include $(wildcard lib/*/flags.mk)

WARN := -Wall -Wextra -Wpedantic -Wshadow -Werror
CPPFLAGS += -I. -Iuapi -Ilib -D_GNU_SOURCE -DDF_VERSION='"$(VERSION)"' $(call pkg,--cflags libdrm)
CFLAGS += -std=gnu11 $(OPT) $(WARN) -fPIC -fvisibility=hidden -pthread
LDFLAGS += -pthread $(SYSROOT_LIBS)
ifdef SAN
CFLAGS += -fsanitize=$(SAN) -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS += -fsanitize=$(SAN)
endif
# clang links the sanitizers' runtime into programs only: there, a shared library may leave symbols open.
DEFS := $(if $(SAN),,-Wl,-z,defs)
DRM_LIBS := $(call pkg,--libs libdrm)
CHECK_CFLAGS = $(call pkg,--cflags check)
CHECK_LIBS = $(call pkg,--libs check)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB_SRC := $(sort $(wildcard lib/core/*.c lib/mega/*.c lib/amd/*.c lib/kmd/*.c lib/node/*.c))
GPU_SRC := $(sort $(wildcard lib/gpu/*.c lib/gpu/*/*.c lib/soft/*.c))
SHIM_SRC := $(sort $(wildcard lib/soft/shim/*.c) lib/soft/gca.c)
CLI_SRC := $(sort $(filter-out lib/cli/radv_capture.c,$(wildcard lib/cli/*.c)))
RADV_SRC := $(wildcard lib/cli/radv_capture.c)
GPUD_SRC := $(sort $(wildcard lib/gpud/*.c))
TEST_SRC := $(sort $(wildcard tests/*/test_*.c))
TEST_HELPERS := $(filter-out $(TEST_SRC) $(wildcard tests/fuzz/*.c tests/soft/vk_*.c tests/bench/*.c tests/kmod/*.c),$(sort $(wildcard tests/*/*.c)))
KMOD_SRC := $(sort $(wildcard tests/kmod/*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))

LIB_SO := $(BUILD)/libdrumfire.so.$(VERSION)
LIB_A := $(BUILD)/libdrumfire.a
GPU_SO := $(BUILD)/libdrumfire-gpu.so
GPU_A := $(BUILD)/libdrumfire-gpu.a
SHIM_SO := $(BUILD)/libdrumfire-shim.so
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(TEST_SRC))
FUZZERS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(FUZZ_SRC))

.PHONY: all lib help tests fuzzers clean install uninstall format lint soak
all: lib $(BUILD)/drumfire $(BUILD)/drumfire-gpud $(SHIM_SO) $(if $(CROSS),,$(if $(RADV_SRC),$(BUILD)/drumfire-radv)) ## library, software GPU, shim and command
lib: $(LIB_SO) $(LIB_A) $(GPU_SO) ## libraries only

help: ## this list
	@grep -hE '^[a-z%-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort | expand -t 16

# What runs once in a while is built small.
$(call obj,$(patsubst %,lib/core/%.c,batch bo bo_copy capture code commands contents context device image kernel page_fault poison recovery reopen restore stream va verdict) \
	lib/amd/commands.c lib/amd/filter.c lib/amd/kernel.c lib/amd/scratch.c lib/kmd/amdgpu_probe.c lib/node/soft.c $(wildcard lib/mega/*.c)): CFLAGS += -Oz
# What neither calls back nor comes to a point of cancellation is never unwound but by a debugger, which has -g.
$(call obj,$(patsubst %,lib/core/%.c,batch bo code commands contents image kernel page_fault poison stream va verdict) \
	$(patsubst %,lib/mega/%.c,record set slot) $(wildcard lib/amd/*.c lib/kmd/*.c)): CFLAGS += -fno-asynchronous-unwind-tables
$(BUILD)/obj/lib/gpu/%.o: CFLAGS += $(CFLAGS_gpu)
$(BUILD)/obj/lib/soft/%.o: CFLAGS += $(CFLAGS_soft)
$(BUILD)/obj/lib/cli/%.o: CFLAGS += $(CFLAGS_cli)
$(BUILD)/obj/tests/%.o: CPPFLAGS += $(CHECK_CFLAGS) -Itests -DBUILD_DIR='"$(BUILD)"'
$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC      $<")
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(LIB_SO): $(call obj,$(LIB_SRC)) lib/drumfire.map
	$(if $(V),,@echo "  LD      $@")
	$(Q)$(CC) -shared -Wl,-soname,libdrumfire.so.$(SOVERSION) -Wl,--version-script=lib/drumfire.map -Wl,--gc-sections \
		-Wl,-z,relro,-z,now,-z,noseparate-code $(DEFS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(DRM_LIBS) -ldl
	$(Q)ln -sf $(@F) $(BUILD)/libdrumfire.so.$(SOVERSION) && ln -sf $(@F) $(BUILD)/libdrumfire.so
$(LIB_A): $(call obj,$(LIB_SRC))
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(GPU_A): $(call obj,$(GPU_SRC))
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(GPU_SO): $(call obj,$(GPU_SRC))
	$(if $(V),,@echo "  LD      $@")
	$(Q)$(CC) -shared -Wl,-soname,$(@F) $(DEFS) $(LDFLAGS) -o $@ $^ -lm
$(SHIM_SO): $(call obj,$(SHIM_SRC)) $(GPU_SO)
	$(if $(V),,@echo "  LD      $@")
	$(Q)$(CC) -shared -Wl,-soname,$(@F) -Wl,-rpath,'$$ORIGIN' $(LDFLAGS) -o $@ $(filter %.o,$^) $(GPU_SO) -ldl
# Linked statically: pack and image use the library's own parser, which the shared library hides.
$(BUILD)/drumfire: $(call obj,$(CLI_SRC)) $(LIB_A)
	$(if $(V),,@echo "  LD      $@")
	$(Q)$(CC) -Wl,-rpath,'$$ORIGIN' -Wl,-rpath,'$$ORIGIN/../lib' $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB_A) $(LIBS_cli) $(DRM_LIBS) -ldl -lm
$(BUILD)/drumfire-gpud: $(call obj,$(GPUD_SRC)) $(GPU_A)
	$(if $(V),,@echo "  LD      $@")
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lm
$(BUILD)/drumfire-radv: $(call obj,$(RADV_SRC))
	$(if $(V),,@echo "  LD      $@")
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lvulkan

# A test links the static libraries, so that it reaches what the shared ones hide.
KMOD_TOOLS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(KMOD_SRC))
$(KMOD_TOOLS): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^
tests: $(TESTS) $(KMOD_TOOLS) ## build every test program
define test_rule
$(BUILD)/tests/$(1): $(BUILD)/obj/tests/$(1).o $(call obj,$(filter tests/$(firstword $(subst /, ,$(1)))/%,$(TEST_HELPERS))) $(LIB_A) $(GPU_A) $(GPU_SO)
	@mkdir -p $$(@D)
	$$(if $$(V),,@echo "  LD      $$@")
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(LIB_A) $$(GPU_A) -Wl,--end-group $$(CHECK_LIBS) $$(DRM_LIBS) $$(LIBS_test_$(firstword $(subst /, ,$(1)))) -ldl -lm
endef
$(foreach t,$(patsubst tests/%.c,%,$(TEST_SRC)),$(eval $(call test_rule,$(t))))

# Fuzz entry points: libFuzzer with clang (FUZZ_ENGINE=-fsanitize=fuzzer), else a driver that runs files or random input.
fuzzers: $(FUZZERS) ## build the fuzz entry points
FUZZ_ENGINE ?= $(call obj,tests/fuzz/driver.c)
define fuzz_rule
$(BUILD)/tests/$(1): $(BUILD)/obj/tests/$(1).o $$(filter %.o,$(FUZZ_ENGINE)) $(LIB_A) $(GPU_A)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter -f%,$(FUZZ_ENGINE)) -Wl,--start-group $$(LIB_A) $$(GPU_A) -Wl,--end-group $$(DRM_LIBS) $$(LIBS_fuzz) -ldl -lm
endef
$(foreach t,$(patsubst tests/%.c,%,$(FUZZ_SRC)),$(eval $(call fuzz_rule,$(t))))

-include shaders/shaders.mk

install: all ## install under DESTDIR and PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/include
	install -m 755 $(BUILD)/drumfire $(BUILD)/drumfire-gpud $(if $(RADV_SRC),$(BUILD)/drumfire-radv) $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(LIB_SO) $(GPU_SO) $(SHIM_SO) $(DESTDIR)$(LIBDIR)/
	ln -sf $(notdir $(LIB_SO)) $(DESTDIR)$(LIBDIR)/libdrumfire.so.$(SOVERSION)
	ln -sf $(notdir $(LIB_SO)) $(DESTDIR)$(LIBDIR)/libdrumfire.so
	install -m 644 $(LIB_A) $(DESTDIR)$(LIBDIR)/
	install -m 644 lib/drumfire.h $(wildcard lib/drumfire_mega.h) uapi/drumfire_image.h uapi/drumfire_ring.h uapi/drumfire_capture.h $(DESTDIR)$(PREFIX)/include/
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$${prefix}/include' '' 'Name: drumfire' \
		'Description: GPU compute launches straight through the Linux DRM interface' 'Version: $(VERSION)' \
		'Requires.private: libdrm' 'Libs: -L$${libdir} -ldrumfire' 'Libs.private: -ldl -lpthread' 'Cflags: -I$${includedir}' \
		> $(DESTDIR)$(LIBDIR)/pkgconfig/drumfire.pc

uninstall: ## remove what install wrote
	rm -f $(DESTDIR)$(PREFIX)/bin/drumfire $(DESTDIR)$(PREFIX)/bin/drumfire-gpud $(DESTDIR)$(PREFIX)/bin/drumfire-radv $(DESTDIR)$(LIBDIR)/libdrumfire.so* $(DESTDIR)$(LIBDIR)/libdrumfire.a \
		$(DESTDIR)$(LIBDIR)/libdrumfire-gpu.so $(DESTDIR)$(LIBDIR)/libdrumfire-shim.so \
		$(DESTDIR)$(LIBDIR)/pkgconfig/drumfire.pc $(addprefix $(DESTDIR)$(PREFIX)/include/,drumfire.h drumfire_mega.h \
		drumfire_image.h drumfire_ring.h drumfire_capture.h)

ALL_C = $(shell git ls-files '*.c' '*.h')
# Tests that take a sample in scripts/check, in full.
soak: all shaders tests ## losses in full: every fault at every launch, every failing call, a million launches
	DRUMFIRE_SOAK=1 LIMIT=7200 scripts/run-tests $(BUILD) soak $(filter $(foreach t,sweep matrix random,%/test_$(t)),$(TESTS))
format: ## run clang-format over the tree
	clang-format -i $(ALL_C)
lint: ## clang-format, cppcheck and clang-tidy, all at zero
	scripts/lint

clean: ## remove the output folder
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
