/* SPDX-License-Identifier: MIT */
/*
 * The timeline as a drawing: a lane a context with its runs, losses and restores over time, a numbered mark for each
 * loss, and a table that says what each one cost. Nothing is loaded from elsewhere: one file, any viewer.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/timeline.h"

enum {
	WIDTH = 1280,
	LEFT = 132, /* of the lanes */
	RIGHT = WIDTH - 40,
	MARKS = 134, /* centre line of the loss marks */
	LANES = 164,
	LANE = 54,
	BAR = 30,
	AXIS = 34,
	ROW = 30,
	MARK = 24, /* least distance between two */
};

struct drawing {
	FILE *to;
	const struct timeline *timeline;
	uint64_t start_ns, end_ns;
	double bottom; /* of the lanes */
};

static const struct {
	const char *class, *label;
} kinds[] = {
	[TIMELINE_RUN] = {"run", "verified"},
	[TIMELINE_AGAIN] = {"again", "run again, verified"},
	[TIMELINE_LOST] = {"lost", "lost"},
	[TIMELINE_RESTORE] = {"restore", "detected and restored"},
};

static const char style[] =
	"<style>\n"
	"text{font-family:system-ui,'Segoe UI','Helvetica Neue','DejaVu Sans',sans-serif;font-size:13px;fill:#243b53}\n"
	".title{font-size:25px;font-weight:600;fill:#102a43}\n"
	".sub,.tick,.head{fill:#627d98}.tick{font-size:12px}.head{font-size:12px;letter-spacing:.04em}\n"
	".lane{font-weight:600}.num{text-anchor:end}.mid{text-anchor:middle}\n"
	".run{fill:#2f9e8f}.again{fill:#3566c9}.restore{fill:#f0a330}.lost{fill:url(#hatch);stroke:#d64545;stroke-"
	"width:1}\n"
	".in{font-size:11px;fill:#fff;text-anchor:middle;pointer-events:none}.in.onlost{fill:#a61b1b}\n"
	".stripe{fill:#f4f7fa}.grid{stroke:#dde5ed;stroke-width:1}.rule{stroke:#bcccdc;stroke-width:1}\n"
	".loss{stroke:#d64545;stroke-width:1.2;stroke-dasharray:4 3;fill:none}.dot{fill:#d64545}\n"
	".dotn{font-size:12px;font-weight:700;fill:#fff;text-anchor:middle}\n"
	"</style>\n"
	"<defs><pattern id=\"hatch\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" "
	"patternTransform=\"rotate(45)\">"
	"<rect width=\"7\" height=\"7\" fill=\"#fdecea\"/><rect width=\"2.4\" height=\"7\" "
	"fill=\"#eda09a\"/></pattern></defs>\n";

static void put_text(FILE *to, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '&':
			fputs("&amp;", to);
			break;
		default:
			if ((unsigned char)*text >= 0x20)
				fputc(*text, to);
		}
}

static void text_at(struct drawing *d, double x, double y, const char *class, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
static void text_at(struct drawing *d, double x, double y, const char *class, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fprintf(d->to, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
	put_text(d->to, text);
	fputs("</text>\n", d->to);
}

static const char *duration(char *text, size_t size, uint64_t ns)
{
	if (ns < 1000000)
		snprintf(text, size, "%.0f \302\265s", (double)ns / 1e3);
	else if (ns < 10000000)
		snprintf(text, size, "%.2f ms", (double)ns / 1e6);
	else if (ns < 1000000000)
		snprintf(text, size, "%.1f ms", (double)ns / 1e6);
	else
		snprintf(text, size, "%.2f s", (double)ns / 1e9);
	return text;
}

/* What was not measured is not nothing. */
static const char *measured(char *text, size_t size, uint64_t ns)
{
	return ns ? duration(text, size, ns) : "\342\200\223";
}

static const char *amount(char *text, size_t size, uint64_t bytes)
{
	if (bytes < 1024)
		snprintf(text, size, "%llu B", (unsigned long long)bytes);
	else if (bytes < 1048576)
		snprintf(text, size, "%.1f KiB", (double)bytes / 1024);
	else
		snprintf(text, size, "%.1f MiB", (double)bytes / 1048576);
	return text;
}

static double x_of(const struct drawing *d, uint64_t ns)
{
	double part = (double)(ns - d->start_ns) / (double)(d->end_ns - d->start_ns);

	return LEFT + part * (RIGHT - LEFT);
}

static void find_extent(struct drawing *d)
{
	const struct timeline *timeline = d->timeline;

	d->start_ns = UINT64_MAX;
	d->end_ns = 0;
	for (unsigned i = 0; i < timeline->span_count; i++) {
		if (timeline->spans[i].start_ns < d->start_ns)
			d->start_ns = timeline->spans[i].start_ns;
		if (timeline->spans[i].end_ns > d->end_ns)
			d->end_ns = timeline->spans[i].end_ns;
	}
	if (!d->end_ns)
		d->start_ns = timeline->first_ns;
	if (d->end_ns <= d->start_ns)
		d->end_ns = d->start_ns + 1;
	d->bottom = LANES + timeline->lane_count * LANE;
}

static void draw_legend(struct drawing *d)
{
	static const unsigned widths[] = {88, 156, 58, 0};
	double x = RIGHT - 516;

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		fprintf(d->to, "<rect x=\"%.1f\" y=\"36\" width=\"16\" height=\"14\" rx=\"3\" class=\"%s\"/>\n", x,
			kinds[i].class);
		text_at(d, x + 23, 48, "sub", "%s", kinds[i].label);
		x += widths[i] + 16;
	}
}

/* Steps of 1, 2 or 5 times a power of ten, from six to twelve of them. */
static void draw_axis(struct drawing *d)
{
	double all = (double)(d->end_ns - d->start_ns), step = pow(10, floor(log10(all / 6)));

	if (all / step > 30)
		step *= 5;
	else if (all / step > 12)
		step *= 2;
	for (unsigned i = 0; i <= (unsigned)(all / step); i++) {
		double at = i * step, x = LEFT + at / all * (RIGHT - LEFT);

		fprintf(d->to, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%.1f\" class=\"grid\"/>\n", x, x, LANES,
			d->bottom + 5);
		if (!i)
			text_at(d, x, d->bottom + 20, "tick mid", "0");
		else
			text_at(d, x, d->bottom + 20, "tick mid", "%g %s", at / (all < 2e6 ? 1e3 : 1e6),
				all < 2e6 ? "\302\265s" : "ms");
	}
}

static void draw_lanes(struct drawing *d)
{
	for (unsigned i = 0; i < d->timeline->lane_count; i++) {
		double top = LANES + i * LANE;

		if (i % 2 == 0)
			fprintf(d->to, "<rect x=\"0\" y=\"%.1f\" width=\"%d\" height=\"%d\" class=\"stripe\"/>\n", top,
				WIDTH, LANE);
		text_at(d, 40, top + LANE / 2.0 + 5, "lane", "%s", d->timeline->lanes[i].name);
	}
}

static void draw_span(struct drawing *d, const struct timeline_span *span)
{
	double x = x_of(d, span->start_ns), width = x_of(d, span->end_ns) - x;
	double top = LANES + span->lane * LANE + (LANE - BAR) / 2.0;
	char text[32];

	/* A gap between neighbours; never nothing at all. */
	width = width - 1.2 > 1.6 ? width - 1.2 : 1.6;
	fprintf(d->to, "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%d\" rx=\"%d\" class=\"%s\"><title>", x,
		top, width, BAR, width > 8 ? 4 : 1, kinds[span->kind].class);
	put_text(d->to, span->text);
	fprintf(d->to, "; %s</title></rect>\n", duration(text, sizeof(text), span->end_ns - span->start_ns));
	if (span->batch && span->kind != TIMELINE_RESTORE && width > (span->batch > 99 ? 26 : 18))
		text_at(d, x + width / 2, top + BAR / 2.0 + 4, span->kind == TIMELINE_LOST ? "in onlost" : "in", "%llu",
			(unsigned long long)span->batch);
}

/* A mark above the lanes, moved aside when the one before is too near, and a line down through the lane. */
static void draw_losses(struct drawing *d)
{
	double least = LEFT;

	for (unsigned i = 0; i < d->timeline->loss_count; i++) {
		const struct timeline_loss *loss = &d->timeline->losses[i];
		double x = x_of(d, loss->at_ns), mark = x > least ? x : least;
		double to = LANES + loss->lane * LANE + (LANE + BAR) / 2.0 + 4;

		fprintf(d->to, "<path d=\"M%.1f %d V%d L%.1f %d V%.1f\" class=\"loss\"/>\n", mark, MARKS, MARKS + 16, x,
			LANES, to);
		fprintf(d->to, "<circle cx=\"%.1f\" cy=\"%d\" r=\"10.5\" class=\"dot\"/>\n", mark, MARKS);
		text_at(d, mark, MARKS + 4.4, "dotn", "%u", i + 1);
		least = mark + MARK;
	}
}

static void draw_head(struct drawing *d, double y)
{
	static const struct {
		double x;
		const char *class, *text;
	} columns[] = {
		{40, "head", "LOSS"},
		{92, "head", "WHAT WAS DONE"},
		{306, "head", "FOUND"},
		{440, "head", "WHERE"},
		{810, "head num", "DETECTED IN"},
		{910, "head num", "RESTORED"},
		{1096, "head num", "RUN AGAIN"},
		{1240, "head num", "VERDICT TO RE-RUN"},
	};

	for (unsigned i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		text_at(d, columns[i].x, y, columns[i].class, "%s", columns[i].text);
	fprintf(d->to, "<line x1=\"40\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" class=\"rule\"/>\n", RIGHT, y + 9, y + 9);
}

static void draw_row(struct drawing *d, unsigned i, double y)
{
	const struct timeline_loss *loss = &d->timeline->losses[i];
	char text[64];

	fprintf(d->to, "<circle cx=\"51\" cy=\"%.1f\" r=\"10.5\" class=\"dot\"/>\n", y - 4.4);
	text_at(d, 51, y, "dotn", "%u", i + 1);
	text_at(d, 92, y, "", "%s", loss->what[0] ? loss->what : "\342\200\223");
	text_at(d, 306, y, "", "%s", timeline_verdict(loss->verdict));
	if (loss->verdict == DF_DEVICE_GONE)
		text[0] = 0;
	else if (loss->first_launch == loss->last_launch)
		snprintf(text, sizeof(text), ", launch %llu", (unsigned long long)loss->first_launch);
	else
		snprintf(text, sizeof(text), ", launches %llu\342\200\223%llu", (unsigned long long)loss->first_launch,
			 (unsigned long long)loss->last_launch);
	text_at(d, 440, y, "", "%s, batch %llu%s", d->timeline->lanes[loss->lane].name, (unsigned long long)loss->batch,
		text);
	text_at(d, 810, y, "num", "%s", measured(text, sizeof(text), loss->detect_ns));
	text_at(d, 910, y, "num", "%s", amount(text, sizeof(text), loss->restored_B));
	text_at(d, 1096, y, "num", "%llu batch%s, %llu launches", (unsigned long long)loss->batches_rerun,
		loss->batches_rerun == 1 ? "" : "es", (unsigned long long)loss->launches_rerun);
	text_at(d, 1240, y, "num", "%s", measured(text, sizeof(text), loss->recover_ns));
}

static double height(const struct drawing *d)
{
	unsigned losses = d->timeline->loss_count;

	return d->bottom + AXIS + 24 + (losses ? 34 + losses * ROW : 0);
}

static void draw(struct drawing *d)
{
	double y;

	find_extent(d);
	fprintf(d->to,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" height=\"%.0f\" "
		"role=\"img\">\n%s<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		WIDTH, height(d), WIDTH, height(d), style);
	text_at(d, 40, 52, "title", "%s", d->timeline->title[0] ? d->timeline->title : "drumfire");
	text_at(d, 40, 80, "sub", "%s", d->timeline->subtitle);
	draw_legend(d);
	draw_lanes(d);
	draw_axis(d);
	for (unsigned i = 0; i < d->timeline->span_count; i++)
		draw_span(d, &d->timeline->spans[i]);
	draw_losses(d);
	if (d->timeline->loss_count) {
		y = d->bottom + AXIS + 30;
		draw_head(d, y);
		for (unsigned i = 0; i < d->timeline->loss_count; i++)
			draw_row(d, i, y + (i + 1) * ROW + 2);
	}
	fputs("</svg>\n", d->to);
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && !strcmp(text + length - tail, end);
}

int timeline_write_svg(const struct timeline *timeline, const char *path)
{
	bool page = ends_with(path, ".html") || ends_with(path, ".htm");
	struct drawing d = {.to = fopen(path, "we"), .timeline = timeline};
	int ret;

	if (!d.to)
		return -errno;
	if (page) {
		fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>", d.to);
		put_text(d.to, timeline->title);
		fputs("</title>\n<style>body{margin:0;background:#e9eef3}svg{display:block;margin:24px "
		      "auto;max-width:100%;"
		      "height:auto;border-radius:10px;box-shadow:0 2px 14px #10203522}</style></head>\n<body>\n",
		      d.to);
	}
	draw(&d);
	if (page)
		fputs("</body></html>\n", d.to);
	ret = ferror(d.to) || timeline->out_of_memory ? -EIO : 0;
	return fclose(d.to) && !ret ? -errno : ret;
}
