/* SPDX-License-Identifier: MIT */
/*
 * gpu.h - the software GPU: memory, address spaces, rings, faults.
 *
 * The model knows nothing of ioctls or of any kernel driver. Its user (the soft node, or the hardware process behind
 * drumfire.ko) gives it memory as host pointers, maps that memory into address spaces, and submits jobs: lists of
 * indirect buffers to run on a ring. Completion, faults and findings come back through callbacks from the GPU's own
 * threads; a callback may take the user's locks but must not call back into gpu_destroy().
 *
 * Nothing that a job contains (packets, code, addresses) may end the process: what the model cannot run is refused as a
 * fault of that job, with a sentence.
 */
#ifndef DF_GPU_H
#define DF_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gpu;
struct gpu_vm;
struct gpu_job;

/* What a target is: numbers that differ from chip to chip. One constant table in target.c, each row with its source. */
struct gpu_target {
	const char *name;      /* LLVM's name, "gfx1030" */
	const char *marketing; /* "AMD Radeon RX 6800 (software)" */
	uint16_t pci_device;   /* 0x73bf */
	uint8_t pci_revision;  /* 0xc3 */
	uint32_t family;       /* AMDGPU_FAMILY_* */
	uint32_t chip_rev;     /* DEV_INFO.chip_rev */
	uint32_t external_rev; /* DEV_INFO.external_rev */
	uint32_t gfx_ip;       /* 0x0a0300: major, minor, stepping, a byte each */
	uint32_t num_se, num_sa_per_se, num_cu_per_sa;
	uint32_t cu_bitmap[4][2]; /* compute units that work, by shader engine and array */
	uint32_t simds_per_cu;    /* 2 on gfx10 */
	uint32_t waves_per_simd;  /* 16 on gfx10.3 (wave32) */
	uint32_t vgprs_per_simd;  /* physical wave32 VGPRs a SIMD, 1024 */
	uint32_t vgpr_granule32;  /* allocation granule in wave32, 8 (16 for gfx1030's 1024-entry file: see target.c) */
	uint32_t lds_per_wgp_B;   /* 128 KiB */
	uint32_t lds_max_per_wg_B; /* 64 KiB */
	uint64_t vram_size_B;      /* default size */
	bool apu;
};

/* NULL when the name is not known. "gfx1030" and "gfx1033"; "navi21" and "vangogh" are accepted as aliases. */
const struct gpu_target *gpu_target_find(const char *name);
/* i-th known target or NULL. */
const struct gpu_target *gpu_target_at(unsigned i);

enum gpu_ring_type { GPU_RING_GFX, GPU_RING_COMPUTE, GPU_RING_SDMA, GPU_RING_TYPES };

/* Instances of each ring: 1 GFX, 4 compute, 2 SDMA. */
#define GPU_RINGS_GFX     1
#define GPU_RINGS_COMPUTE 4
#define GPU_RINGS_SDMA    2

enum gpu_status {
	GPU_DONE,         /* every IB ran to its end */
	GPU_FAULT_PAGE,   /* access to an unmapped or forbidden address */
	GPU_FAULT_OPCODE, /* instruction that the model refuses (unknown, or out of scope) */
	GPU_FAULT_PACKET, /* packet or register that the model refuses */
	GPU_KILLED,       /* cancelled by gpu_ring_reset() or gpu_reset() */
};

enum gpu_access { GPU_READ = 1, GPU_WRITE = 2, GPU_EXEC = 4 };

struct gpu_fault {
	enum gpu_status status;
	unsigned access;   /* enum gpu_access */
	uint64_t address;  /* faulting address, or the address of the refused packet */
	uint64_t pc;       /* instruction, 0 if no wave was involved */
	uint32_t launch;   /* dispatches started before, in this job */
	uint32_t group[3]; /* workgroup */
	uint32_t wave;     /* wave in the workgroup */
	char what[160];    /* sentence: opcode or packet by name, address */
};

/* A finding of strict mode: something that would only sometimes fail on silicon. */
enum gpu_finding_kind {
	GPU_FINDING_WAITCNT,     /* register read or overwritten before the s_waitcnt that makes it valid */
	GPU_FINDING_UNINIT_REG,  /* register read that nothing wrote */
	GPU_FINDING_UNINIT_LDS,  /* LDS read that nothing wrote */
	GPU_FINDING_STALE_CACHE, /* load through a cache that an earlier write has not been invalidated from */
	GPU_FINDING_WRITEBACK,   /* completion published before the data behind it was written back */
	GPU_FINDING_RESERVED,    /* reserved bits set in a packet, register or instruction */
	GPU_FINDING_LDS_RACE,    /* LDS shared between waves without a barrier */
	GPU_FINDING_HAZARD,      /* instruction hazard that the ISA manual lists */
	GPU_FINDING_ALIGN,       /* misaligned IB */
	GPU_FINDING_KINDS
};

struct gpu_finding {
	enum gpu_finding_kind kind;
	uint64_t pc, address;
	uint32_t launch, group[3], wave, lane;
	char what[160];
};

/*
 * Faults on purpose: what is to become of a launch. The group in the middle (number total/2, of whose waves the first
 * ones up to the one in the middle run) is where it happens; groups before it end, groups behind it never begin, so
 * that the launch is half applied, the same in every run.
 */
enum gpu_plan_kind {
	GPU_PLAN_RUN,
	GPU_PLAN_STOP_WAVE,   /* the wave does not end */
	GPU_PLAN_STOP_OPCODE, /* it comes to an instruction that does not exist */
	GPU_PLAN_STOP_CP,     /* the command processor stops before the launch */
	GPU_PLAN_PAGE_FAULT, /* the wave's first access to memory goes to GPU_NOWHERE() instead; everything else runs */
	GPU_PLAN_SLOW,       /* the launch takes `factor` times as long */
};
/* A page below every address space that a driver offers; neighbouring launches have different ones, since kernels tell
 * of the last fault's address alone. */
#define GPU_NOWHERE(launch) (0x2000ull + ((uint64_t)(launch) % 14 << 12))

struct gpu_plan {
	enum gpu_plan_kind kind;
	unsigned factor;
	bool silent; /* stuck() is not called */
};

struct gpu_config {
	const struct gpu_target *target;
	unsigned threads; /* worker threads; 0: one a core */
	bool strict;
	void *user;
	/* Each may be NULL. Called from GPU threads. */
	void (*finding)(void *user, const struct gpu_finding *finding);
	void (*page_fault)(void *user, struct gpu_vm *vm, const struct gpu_fault *fault);
	/*
	 * What a page fault does. false (amdgpu's default, vm_fault_stop=0): reads give 0, writes are dropped, the
	 * page_fault callback is told, the job completes. true: the job ends with GPU_FAULT_PAGE. Instruction fetches
	 * always end the job: there is nothing to run instead.
	 */
	bool fault_stops;
	/* Asked before each launch that has workgroups, from the ring's thread, while gpu_plan_launches() is on. */
	void (*plan)(void *user, struct gpu_job *job, uint32_t launch, struct gpu_plan *plan_out);
	/*
	 * The job cannot go on: a wave of a plan stands, the command processor has stopped, or something was refused.
	 * Told, from the ring's thread, when everything else that the ring has started is over. The ring then waits for
	 * gpu_ring_kill_waves(), which is enough when a wave stands, or for a reset. NULL: refusals end the job at
	 * once.
	 */
	void (*stuck)(void *user, struct gpu_job *job, const struct gpu_fault *why);
};

/* 0 or -errno. */
int gpu_create(const struct gpu_config *config, struct gpu **gpu_out);
/* Every job must have completed or been reset. NULL is a no-op. */
void gpu_destroy(struct gpu *gpu);

/* Counts since creation, readable at any time. */
struct gpu_stats {
	uint64_t jobs, packets, launches, groups, waves, instructions, findings[GPU_FINDING_KINDS], refused,
		page_faults;
};
void gpu_get_stats(struct gpu *gpu, struct gpu_stats *stats_out);
/* Adds the report of every GPU of this process to DRUMFIRE_FIDELITY's file, for one that ends by _exit(). */
void gpu_report_fidelity(void);
void gpu_set_strict(struct gpu *gpu, bool strict);
/* Whether config.plan is asked. */
void gpu_plan_launches(struct gpu *gpu, bool on);
/* The GPU clock: 100 MHz, monotonic. */
uint64_t gpu_clock(struct gpu *gpu);
#define GPU_CLOCK_HZ 100000000ull

/*
 * Address spaces. Pages are 4 KiB; a mapping is [va, va + size) to host memory [host, host + size), which must stay
 * valid until it is unmapped and gpu_vm_flush() returned. Mapping over a mapping replaces it. Unmapping a hole is not
 * an error. Thread-safe; may run beside jobs of the same address space.
 */
enum gpu_mtype { GPU_MTYPE_NC, GPU_MTYPE_UC, GPU_MTYPE_CC, GPU_MTYPE_RW };
enum { GPU_PTE_PRT = 8 }; /* with access: reads give 0, writes are dropped, no fault */
int gpu_vm_create(struct gpu *gpu, struct gpu_vm **vm_out);
void gpu_vm_destroy(struct gpu_vm *vm);
int gpu_vm_map(struct gpu_vm *vm, uint64_t va, uint64_t size_B, void *host, unsigned access, enum gpu_mtype mtype);
void gpu_vm_unmap(struct gpu_vm *vm, uint64_t va, uint64_t size_B);
/* Waits until no GPU thread still uses a translation that was removed before the call. */
void gpu_vm_flush(struct gpu_vm *vm);

/*
 * Jobs. A ring runs its jobs in the order of submission; rings run beside each other. The job and its IB array belong
 * to the caller and live until done() was called (exactly once for each accepted job, from a GPU thread).
 */
struct gpu_ib {
	uint64_t va;
	uint32_t size_dw;
	uint32_t flags; /* GPU_IB_* */
};
enum { GPU_IB_PREAMBLE = 1, GPU_IB_CE = 2 };

struct gpu_job {
	struct gpu_vm *vm;
	const struct gpu_ib *ibs;
	unsigned ib_count;
	void *user;
	void (*done)(struct gpu_job *job, const struct gpu_fault *result); /* result->status says how it ended */
	/* filled by the GPU before done() */
	/* Dispatches started; a stream that begins in the middle says where (uapi/drumfire_stream.h). */
	uint32_t launches;
	/*
	 * Where it went wrong; status GPU_DONE: it did not. page_fault: the redirected access that comes first by
	 * launch, workgroup and wave, whichever thread met one first. stuck: when waves were killed, the first that had
	 * not ended; pc is where its loop begins.
	 */
	struct gpu_fault page_fault, stuck;
	struct gpu_job *next; /* the GPU's own */
};
int gpu_submit(struct gpu *gpu, enum gpu_ring_type type, unsigned instance, struct gpu_job *job);

/* Kills the waves that run on the ring; the CP goes on with the next packet (amdgpu's soft recovery). */
void gpu_ring_kill_waves(struct gpu *gpu, enum gpu_ring_type type, unsigned instance);
/* Ends the job that runs on the ring, if any, with GPU_KILLED; later jobs go on. Waits for it. */
void gpu_ring_reset(struct gpu *gpu, enum gpu_ring_type type, unsigned instance);
/* The same for every job that was submitted to the ring. */
void gpu_ring_clear(struct gpu *gpu, enum gpu_ring_type type, unsigned instance);
/* Ends every queued and running job on every ring with GPU_KILLED. Waits for them. */
void gpu_reset(struct gpu *gpu);

#ifdef __cplusplus
}
#endif
#endif
