# SPDX-License-Identifier: MIT
# scripts/bench's side by side as SVG: lines "launches, measure, drumfire, RADV" become four panels of measure a round over
# launches, both axes logarithmic; in the latency panel p50 is drawn whole, p99 and p99.9 dashed.
function log10(v) { return log(v > 0 ? v : 1e-9) / log(10) }
function floor(v) { return v < int(v) ? int(v) - 1 : int(v) }
function px(n) { return left + 30 + 290 * log10(n) / log10(largest) }
function py(v) { return top + 200 - 170 * (log10(v) - low) / (high - low) }
function power(e) { return e < 6 ? sprintf("%d", 10 ^ e) : sprintf("10^%d", e) }
function line(measure, side, dash,    i, points) {
	for (i = 1; i <= count; i++)
		points = points sprintf("%.1f,%.1f ", px(ns[i]), py(value[ns[i], measure, side]))
	printf "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"%s points=\"%s\"/>\n", colour[side], dash ? " stroke-dasharray=\"" dash "\"" : "", points
	for (i = 1; i <= count; i++)
		printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2\" fill=\"%s\"><title>%s, %d launches: %g</title></circle>\n", px(ns[i]), py(value[ns[i], measure, side]), colour[side], names[side], ns[i], value[ns[i], measure, side]
}
function panel(title, measures, dashes,    m, k, i, s, e, v) {
	left = 20 + 360 * (panels % 2)
	top = 30 + 250 * int(panels / 2)
	panels++
	low = 99
	high = -99
	m = split(measures, list, " ")
	split(dashes, dash, " ")
	for (k = 1; k <= m; k++)
		for (i = 1; i <= count; i++)
			for (s = 1; s <= 2; s++) {
				v = log10(value[ns[i], list[k], s])
				if (floor(v) < low) low = floor(v)
				if (-floor(-v) > high) high = -floor(-v)
			}
	if (high <= low) high = low + 1
	printf "<text x=\"%d\" y=\"%d\" font-weight=\"bold\">%s</text>\n", left + 30, top + 14, title
	for (e = low; e <= high; e++)
		printf "<path d=\"M%.1f %.1fH%.1f\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", left + 30, py(10 ^ e), left + 320, left + 27, py(10 ^ e) + 4, power(e)
	for (i = 1; i <= count; i++)
		printf "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>\n", px(ns[i]), top + 215, ns[i]
	for (k = 1; k <= m; k++)
		for (s = 1; s <= 2; s++)
			line(list[k], s, dash[k] == "-" ? "" : dash[k])
}
BEGIN { FS = "\t" }
{
	if (!($1 in seen)) {
		seen[$1] = 1
		ns[++count] = $1
	}
	value[$1, $2, 1] = $3
	value[$1, $2, 2] = $4
	if ($1 > largest) largest = $1
}
END {
	if (count < 2) {
		print "plot: fewer than two numbers of launches" >"/dev/stderr"
		exit 1
	}
	colour[1] = "#c33"
	colour[2] = "#36c"
	names[1] = "drumfire"
	names[2] = "RADV"
	print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"740\" height=\"540\" font-family=\"sans-serif\" font-size=\"10\"><rect width=\"740\" height=\"540\" fill=\"#fff\"/>"
	for (i = 1; i <= 2; i++)
		printf "<text x=\"%d\" y=\"18\" fill=\"%s\" font-size=\"12\">%s</text>\n", 40 + 80 * (i - 1), colour[i], names[i]
	print "<text x=\"220\" y=\"18\">over launches a round (recorded, submitted, waited for)</text>"
	panel("instructions on the CPU", "instructions", "-")
	panel("CPU time of the calling thread, ns", "cpu", "-")
	panel("latency, ns: p50, p99 (dashed), p99.9 (dotted)", "p50 p99 p99.9", "- 5,3 1,3")
	panel("dwords of command stream", "dwords", "-")
	print "</svg>"
}
