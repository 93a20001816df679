# Makes tables of what scripts/wrk-service has noted: lines of an engine, a run and figures (name=value).

{
  for (field = 3; field <= NF; field++) {
    split($field, pair, "=")
    name = $1 " " $2 " " pair[1]
    values[name] = values[name] " " pair[2]
  }
  if ($2 == "wrk") {
    values[$1 " wrk rate"] = values[$1 " wrk rate"] " " value($0, "requests") / value($0, "seconds")
  }
  if ($2 ~ /-peak$/) peak = value($0, "good")
  if ($2 == "batches" || $2 == "documents") {
    values[$1 " " $2 " share"] = values[$1 " " $2 " share"] " " 100 * value($0, "good") / peak
  }
}

function value(line, name,    found) {
  match(line, " " name "=[^ ]*")
  found = substr(line, RSTART, RLENGTH)
  sub(/.*=/, "", found)
  return found
}

function median(name,    list, count, i, j, swap) {
  count = split(values[name], list, " ")
  for (i = 1; i <= count; i++)
    for (j = i + 1; j <= count; j++)
      if (list[j] + 0 < list[i] + 0) { swap = list[i]; list[i] = list[j]; list[j] = swap }
  return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
}

# The best of the others: the most or the least.
function best(what, most,    i, found, one) {
  found = median(order[2] " " what)
  for (i = 3; i <= number; i++) {
    one = median(order[i] " " what)
    if (most ? one + 0 > found + 0 : one + 0 < found + 0) found = one
  }
  return found
}

function row(title, what, most, format,    i, line, other) {
  line = sprintf("| %s |", title)
  for (i = 1; i <= number; i++) line = line sprintf(" " format " |", median(order[i] " " what))
  other = best(what, most) + 0
  printf("%s %s |\n", line, (other > 0) ? sprintf("%.2f", median(order[1] " " what) / other) : "-")
}

function head(title,    i, line, rule) {
  line = "\n| " title " |"
  rule = "|---|"
  for (i = 1; i <= number; i++) { line = line " " order[i] " |"; rule = rule "--:|" }
  print line " ratio |\n" rule "--:|"
}

function overload(title, run) {
  head(title)
  row("peak, good answers a second", run "-peak good", 1, "%.0f")
  row("good answers, % of the peak", run " share", 1, "%.1f")
  row("their p99, ms", run " p99_ms", 0, "%.0f")
  row("refused, a second", run " refused", 1, "%.0f")
  row("504, a second", run " expired", 0, "%.0f")
  row("503 after, p50, ms", run " refused_p50_ms", 0, "%.2f")
  row("503 after, p99, ms", run " refused_p99_ms", 0, "%.2f")
  row("503 without Retry-After", run " without_retry_after", 0, "%d")
  row("late, a second", run " late", 0, "%.0f")
  row("failed", run " failed", 0, "%d")
  row("unanswered", run " unanswered", 0, "%d")
  row("failed looks at `/health`", run " looks_failed", 0, "%d")
  row("`/health` p99, ms", run " health_p99_ms", 0, "%.2f")
  row("processor time of the clients, s", run " client_cpu_s", 0, "%.2f")
}

END {
  number = split(engines, order, " ")
  head("1,000 connections")
  row("answers a second", "wrk rate", 1, "%.0f")
  row("p50, ms", "wrk p50_ms", 0, "%.1f")
  row("p99, ms", "wrk p99_ms", 0, "%.1f")
  row("`/health` p50, ms", "health health_p50_ms", 0, "%.2f")
  row("`/health` p99, ms", "health health_p99_ms", 0, "%.2f")
  row("refused", "wrk refused", 0, "%.0f")
  row("failed", "wrk failed", 0, "%.0f")
  row("failed looks at `/health`", "health looks_failed", 0, "%d")
  overload("three times as many batches as can be served", "batches")
  overload("three times as many documents, converted on one thread", "documents")
}
