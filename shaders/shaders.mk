# SPDX-License-Identifier: MIT
# Kernel images. `make shaders`: every GLSL shader in shaders/ through RADV over the software GPU. `make test-kernels`:
# the OpenCL C kernels of tests/image/cl through clang, in four builds each, and their native twins. Both run the command
# and the software GPU, so they are made in the host's plain build only; sanitizer and cross builds use what lies there.

IMAGES := build
CLANG ?= clang-16
LLD ?= ld.lld-16
DEVICE_LIBS ?= $(patsubst %/ockl.bc,%,$(firstword $(wildcard /usr/lib/*/amdgcn/bitcode/ockl.bc)))

GLSL_SRC := $(sort $(wildcard shaders/*.comp))
GLSL_IMAGES := $(patsubst shaders/%.comp,$(IMAGES)/shaders/%.dfi,$(GLSL_SRC))
TEST_GLSL := $(sort $(wildcard tests/image/glsl/*.comp))
TEST_GLSL_IMAGES := $(patsubst tests/image/glsl/%.comp,$(IMAGES)/tests/glsl/%.dfi,$(TEST_GLSL))
CL_SRC := $(sort $(wildcard tests/image/cl/*.cl))
# Images are made again when what makes them changes, not at every link of the command.
PACK_OBJ := $(call obj,$(wildcard lib/cli/pack*.c) lib/core/image.c)
CL_BUILDS := O0-w32 O0-w64 O3-w32 O3-w64
CL_IMAGES := $(foreach b,$(CL_BUILDS),$(patsubst tests/image/cl/%.cl,$(IMAGES)/tests/cl/%-$(b).dfi,$(CL_SRC)))
CL_TWINS := $(if $(CROSS),,$(BUILD)/tests/cl/native.so)

# Rounding as written, so that results are bit for bit what the native twin gives.
CL_FLAGS := -x cl -cl-std=CL2.0 -O1 -ffp-contract=off -Wall -Wextra -Wno-unused-parameter -Werror
CL_GPU_FLAGS := $(CL_FLAGS) -target amdgcn-amd-amdhsa -mcpu=gfx1030 --rocm-device-lib-path=$(DEVICE_LIBS) \
	-cl-fp32-correctly-rounded-divide-sqrt

.PHONY: shaders test-kernels
ifeq ($(BUILD)$(CROSS)$(SAN),$(IMAGES))
shaders: $(GLSL_IMAGES) ## kernel images of shaders/, through RADV
test-kernels: $(CL_IMAGES) $(CL_TWINS) $(TEST_GLSL_IMAGES) $(IMAGES)/tests/cl/expected ## kernel images that only tests use, and native twins

$(GLSL_IMAGES): $(IMAGES)/shaders/%.dfi: shaders/%.comp $(wildcard shaders/*.glsl uapi/drumfire_ring.h) \
		$(PACK_OBJ) $(BUILD)/drumfire-radv | $(BUILD)/drumfire $(SHIM_SO)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  PACK    $@")
	$(Q)$(BUILD)/drumfire pack --glsl $< -o $@

shaders-%: shaders $(GLSL_SRC) ## the same for another chip: make shaders-gfx1033
	@mkdir -p $(IMAGES)/$@
	$(Q)for shader in $(GLSL_SRC:shaders/%.comp=%); do \
		$(BUILD)/drumfire pack --target $* --glsl shaders/$$shader.comp -o $(IMAGES)/$@/$$shader.dfi || exit 1; \
	done

$(TEST_GLSL_IMAGES): $(IMAGES)/tests/glsl/%.dfi: tests/image/glsl/%.comp $(PACK_OBJ) \
		$(BUILD)/drumfire-radv | $(BUILD)/drumfire $(SHIM_SO)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  PACK    $@")
	$(Q)$(BUILD)/drumfire pack --glsl $< -o $@

# Code objects of wave32 are of version 5, of wave64 version 4: both ways of hidden arguments are run.
define cl_rule
$(IMAGES)/tests/cl/%-$(1)-w$(2).dfi: tests/image/cl/%.cl tests/image/cl/twin.h $(PACK_OBJ) | $(BUILD)/drumfire
	@mkdir -p $$(@D)
	$$(if $$(V),,@echo "  CL      $$@")
	$$(Q)$$(CLANG) $$(CL_GPU_FLAGS) -$(1) -DTWIN_WAVE=$(2) -DTWIN_VERSION=$(3) -mcode-object-version=$(3) $(4) -c $$< -o $$(@:.dfi=.o)
	$$(Q)$$(LLD) -shared $$(@:.dfi=.o) -o $$(@:.dfi=.co)
	$$(Q)$(BUILD)/drumfire pack -o $$@ $$(@:.dfi=.co)
endef
$(eval $(call cl_rule,O0,32,5,))
$(eval $(call cl_rule,O3,32,5,))
$(eval $(call cl_rule,O0,64,4,-mwavefrontsize64))
$(eval $(call cl_rule,O3,64,4,-mwavefrontsize64))
# What the twins give, for tests that run where clang compiles no OpenCL C.
tests: $(IMAGES)/tests/cl/expected
$(IMAGES)/tests/cl/expected: $(BUILD)/tests/image/test_clang $(CL_TWINS)
	$(Q)$< --write $@ || { rm -f $@; exit 1; }
else
shaders test-kernels:
	$(MAKE) BUILD=$(IMAGES) CROSS= SYSROOT= SAN= CC=gcc OPT="-O2 -g" $@
endif

$(BUILD)/tests/cl/native.so: tests/image/cl/native.c tests/image/cl/native.h tests/image/cl/twin.h $(CL_SRC)
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CL      $@")
	$(Q)for source in $(CL_SRC); do \
		$(CLANG) $(CL_FLAGS) -DTWIN_NATIVE -fPIC -c $$source -o $@-$$(basename $$source .cl).o || exit 1; \
	done
	$(Q)$(CLANG) -std=gnu11 -D_GNU_SOURCE -O1 -fPIC -ffp-contract=off $(WARN) -fvisibility=hidden \
		-c tests/image/cl/native.c -o $@-native.o
	$(Q)$(CC) -shared -Wl,-z,defs -o $@ $(CL_SRC:tests/image/cl/%.cl=$@-%.o) $@-native.o -lm -ldl

$(BUILD)/tests/image/test_pack: | $(if $(filter $(IMAGES),$(BUILD)),$(BUILD)/drumfire $(BUILD)/drumfire-radv $(SHIM_SO))
$(BUILD)/tests/image/test_glsl: | $(if $(filter $(IMAGES),$(BUILD)),$(GLSL_IMAGES) $(TEST_GLSL_IMAGES))
$(BUILD)/tests/image/test_clang: | $(CL_TWINS) $(if $(filter $(IMAGES),$(BUILD)),$(CL_IMAGES))
