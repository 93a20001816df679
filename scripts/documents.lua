-- Requests for wrk: the documents whose paths are in the variable DOCUMENTS, one a line, in an order by chance. RTF becomes
-- Markdown, Markdown becomes HTML or RTF. Prints what wrk has measured on one line, for scripts/wrk-service to read.

local types = {
  rtf = { "application/rtf", { "text/markdown" } },
  md = { "text/markdown", { "text/html", "application/rtf" } },
  markdown = { "text/markdown", { "text/html", "application/rtf" } },
}
local requests = {}
local threads = 0

-- Each thread has an order of its own, and the same in every run.
function setup(thread)
  threads = threads + 1
  thread:set("seed", threads)
end

function init()
  math.randomseed(seed)
  for path in os.getenv("DOCUMENTS"):gmatch("[^\n]+") do
    local file = assert(io.open(path, "rb"))
    local document = file:read("*a")
    file:close()
    local from = types[path:match("%.(%w+)$")]
    for _, to in ipairs(from[2]) do
      local headers = { ["Content-Type"] = from[1], ["Accept"] = to }
      requests[#requests + 1] = wrk.format("POST", "/convert", headers, document)
    end
  end
end

function request()
  return requests[math.random(#requests)]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "RESULT requests=%d seconds=%.3f refused=%d failed=%d p50_ms=%.3f p99_ms=%.3f\n",
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3
  ))
end
