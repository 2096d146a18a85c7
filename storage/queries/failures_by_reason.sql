-- What went wrong, where, and how often: runs that failed, and estimates whose verdict is not ok.
SELECT sweep, sampler_kind, status, verdict, COALESCE(reason, verdict_reason) AS why, COUNT(*) AS num_runs
FROM runs
WHERE status = 'failed' OR verdict <> 'ok'
GROUP BY sweep, sampler_kind, status, verdict, COALESCE(reason, verdict_reason)
ORDER BY num_runs DESC, sweep, sampler_kind
