-- Where the time went: hours by machine and sweep, and how much of it compiled instead of sampling.
SELECT host, device_kind, sweep,
       COUNT(*) AS num_runs,
       SUM(COALESCE(device_seconds, sampling_seconds + compile_seconds)) / 3600 AS device_hours,
       SUM(compile_seconds) / SUM(sampling_seconds + compile_seconds + build_seconds) AS share_compiling,
       SUM(build_seconds) / SUM(sampling_seconds + compile_seconds + build_seconds) AS share_building
FROM runs
GROUP BY host, device_kind, sweep
ORDER BY device_hours DESC, host, sweep
