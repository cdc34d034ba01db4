/* SPDX-License-Identifier: MIT */
/*
 * drumfire_stream.h - what a command stream says to whoever reads it, beside what it makes the hardware do.
 *
 * An annotation is a PM4 NOP whose body begins with a magic number; hardware skips it.
 */
#ifndef DRUMFIRE_STREAM_H
#define DRUMFIRE_STREAM_H

/*
 * {DF_STREAM_LAUNCH_BASE, number}: the next dispatch is launch `number` of its batch. For a stream that begins in the
 * middle. Without it dispatches count from 0 in a job, those of no workgroups too. Exactly two dwords.
 */
#define DF_STREAM_LAUNCH_BASE 0x44464c42u /* "DFLB" */

#endif
