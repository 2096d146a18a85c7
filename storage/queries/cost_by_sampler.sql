-- What an estimate costs: gradients (full-data equivalents), seconds, and both for a standard error of one nat.
SELECT sampler_kind, device_kind,
       COUNT(*) AS num_runs,
       SUM(num_gradients) AS num_gradients,
       SUM(sampling_seconds) / 3600 AS sampling_hours,
       SUM(compile_seconds) / 3600 AS compile_hours,
       MEDIAN(fde_to_se1) AS median_fde_to_se1,
       MEDIAN(time_to_se1) AS median_time_to_se1,
       MEDIAN(ess_per_gradient) AS median_ess_per_gradient
FROM runs
WHERE status = 'done'
GROUP BY sampler_kind, device_kind
ORDER BY median_fde_to_se1
