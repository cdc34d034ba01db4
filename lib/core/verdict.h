/* SPDX-License-Identifier: MIT */
/*
 * verdict.h - from what the kernel says of a submission to what is said to the caller. One table (verdict.c); nothing
 * else decides.
 */
#ifndef DF_CORE_VERDICT_H
#define DF_CORE_VERDICT_H

#include "drumfire.h"
#include "kmd/kmd.h"

/* All that is known of one submission once the kernel is finished with it. */
struct df_evidence {
	int wait;    /* WAIT_CS: 0 over without error, -EBUSY not over, else the error of its fence or of CS */
	bool marked; /* its completion marker is there */
	bool first;  /* the oldest of its context that did not finish: whom a context's guilt is about */
	struct df_kmd_reset reset; /* of its kernel context, since that was made */
	bool page_fault;           /* one that was not told of before */
	bool spares_others;        /* df_kmd_info.spares_others */
	bool behind;               /* another of its context, given to the kernel later, did not finish either */
};

struct df_ruling {
	enum df_verdict verdict; /* DF_DONE: it happened, and nothing else did; DF_RUNNING: not over */
	bool exact;   /* the kernel ended this job where it was and did not touch it again: a restart point that was
			 passed holds */
	bool unknown; /* not guilty is only a guess: the kernel does not say whose job hung */
	const char *why;
};

/* row_out: which row it was, for tests; may be NULL. */
struct df_ruling df_verdict(const struct df_evidence *evidence, unsigned *row_out);
unsigned df_verdict_rows(void);
const char *df_verdict_row_name(unsigned row);
/* Is this answer of WAIT_CS about the job (over, with or without an error), or about the question? */
bool df_journal_is_over(int error);

#endif
