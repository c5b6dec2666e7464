-- Sends a body of 1 MiB with every request.
dofile(os.getenv("BENCH_LOAD") .. "/report.lua")
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.body = string.rep("x", 1024 * 1024)
