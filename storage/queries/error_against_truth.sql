-- Where the answer is known: error of each sampler in nats and in its own error bars (|z| above 3 deserves a look).
SELECT sampler_kind, true_llc_kind, target_kind,
       COUNT(*) AS num_runs,
       AVG(llc - true_llc) AS mean_error,
       AVG(ABS(llc - true_llc) / true_llc) AS mean_relative_error,
       MAX(ABS(llc - true_llc) / llc_sampling_se) AS largest_z
FROM runs
WHERE status = 'done' AND true_llc IS NOT NULL
GROUP BY sampler_kind, true_llc_kind, target_kind
ORDER BY sampler_kind, true_llc_kind, target_kind
