-- Which sampler gives the smallest error bar for its work on each target? (Work-normalised variance: llc_mcse^2 x work.)
SELECT DISTINCT ON (target_id) target_id, sampler_kind, wnv_gradients, wnv_seconds, llc_mcse, num_runs
FROM (
    SELECT target_id, sampler_kind,
           AVG(wnv_gradients) AS wnv_gradients,
           AVG(wnv_seconds) AS wnv_seconds,
           AVG(llc_mcse) AS llc_mcse,
           COUNT(*) AS num_runs
    FROM runs
    WHERE status = 'done' AND verdict = 'ok'
    GROUP BY target_id, sampler_kind
) AS per_sampler
ORDER BY target_id, wnv_gradients
