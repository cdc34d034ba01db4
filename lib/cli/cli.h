/* SPDX-License-Identifier: MIT */
/* cli.h - what the subcommands of `drumfire` share. */
#ifndef DF_CLI_CLI_H
#define DF_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CLI_DONE   0
#define CLI_FAILED 1 /* refused or failed, one line said why */
#define CLI_USAGE  2

int df_cmd_devices(int argc, char **argv);
int df_cmd_launch(int argc, char **argv);
int df_cmd_demo(int argc, char **argv);
int df_cmd_gpud(int argc, char **argv);
int df_cmd_pack(int argc, char **argv);
int df_cmd_image(int argc, char **argv);
int df_cmd_replay(int argc, char **argv);

/* ---- names of devices ---- */

bool device_is_soft(const char *name);
/* Adds an option to the name of a software GPU. -ENAMETOOLONG. */
int device_name_add(char *name, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- numbers: the whole text, decimal or 0x, no space; -EINVAL or -ERANGE ---- */

enum number_kind { NUMBER_I32, NUMBER_U32, NUMBER_I64, NUMBER_U64, NUMBER_F16, NUMBER_F32, NUMBER_F64 };
/* bytes_out gets the value's little-endian bytes (size_out of them, at most 8). */
int number_parse(const char *text, enum number_kind kind, uint8_t bytes_out[8], size_t *size_out);
int number_u64(const char *text, uint64_t max, uint64_t *value_out);
/* X[,Y[,Z]], each at least 1; missing ones are 1. */
int number_triple(const char *text, uint32_t triple_out[3]);
/* Nearest half, ties to even; -ERANGE when a finite value has none. */
int number_to_half(double value, uint16_t *half_out);

/* ---- JSON: objects of one level written as they come ---- */

struct json {
	FILE *to;
	bool first;
	unsigned depth;
};
void json_begin(struct json *json, FILE *to);
void json_open(struct json *json, const char *name, char bracket);
void json_close(struct json *json, char bracket);
void json_text(struct json *json, const char *name, const char *text);
void json_number(struct json *json, const char *name, uint64_t value);
void json_bool(struct json *json, const char *name, bool value);
void json_end(struct json *json);

/* ---- progress: a line on standard error that rewrites itself, on a terminal only ---- */

void progress_show(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress_clear(void);

#endif
