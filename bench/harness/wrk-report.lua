-- Loaded by wrk for every load: what is sent, and one line with the figures in whole microseconds and counts.
-- Arguments behind `--`: method, bytes of body, then names and values of headers in turn.

function init(args)
  wrk.method = args[1]
  local bytes = tonumber(args[2])
  if bytes > 0 then wrk.body = string.rep("x", bytes) end
  for at = 3, #args - 1, 2 do wrk.headers[args[at]] = args[at + 1] end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("figures requests=%d us=%d bytes=%d", summary.requests, summary.duration, summary.bytes))
  io.write(string.format(" connect=%d read=%d write=%d status=%d timeout=%d",
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
  io.write(string.format(" p50=%d p90=%d p99=%d p999=%d max=%d\n", latency:percentile(50), latency:percentile(90),
    latency:percentile(99), latency:percentile(99.9), latency.max))
end
