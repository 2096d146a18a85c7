-- Do samplers agree on average? Mean LLC of each over the targets that all samplers of the sweep have a trusted estimate of.
WITH trusted AS (SELECT * FROM runs WHERE verdict = 'ok' AND llc IS NOT NULL),
     samplers AS (SELECT sweep, COUNT(DISTINCT sampler_kind) AS num_samplers FROM trusted GROUP BY sweep),
     shared AS (
         SELECT sweep, target_id, component, COUNT(DISTINCT sampler_kind) AS num_with
         FROM trusted
         GROUP BY sweep, target_id, component
     )
SELECT trusted.sweep, trusted.sampler_kind,
       AVG(trusted.llc) AS llc,
       SQRT(SUM(trusted.llc_sampling_se * trusted.llc_sampling_se)) / COUNT(*) AS sampling_se,
       AVG(trusted.localization_se) AS localization_se,
       COUNT(*) AS num_matched
FROM trusted
JOIN samplers ON trusted.sweep = samplers.sweep
JOIN shared ON trusted.sweep = shared.sweep AND trusted.target_id = shared.target_id
           AND trusted.component = shared.component
WHERE shared.num_with = samplers.num_samplers
GROUP BY trusted.sweep, trusted.sampler_kind
ORDER BY sweep, sampler_kind
