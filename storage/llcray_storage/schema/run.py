"""Columns of `runs`, one row per estimate: identity, axes, estimate, probes, known answer, work, machine, commit."""

from llcray_storage.schema.axis import AXES
from llcray_storage.schema.column import FLAG, REAL, REALS, TEXT, TEXTS, TIME, WHOLE, Column
from llcray_storage.schema.status import EARLIER, STATUSES
from llcray_storage.schema.verdicts import VERDICTS

NATS = "nats"
FDE = "full-data-equivalent gradients"

IDENTITY = (
    Column("run_id", TEXT, "", "Identity of the run: hash of its whole spec.", required=True),
    Column("target_id", TEXT, "", "Identity of the target the run sampled around."),
    Column("series_id", TEXT, "", "Identity of the run with its step left out: one curve along training shares it."),
    Column(
        "trajectory_id", TEXT, "", "Identity of the training that the target is a checkpoint of; null: no checkpoint."
    ),
    Column("sweep", TEXT, "", "Sweep that asked for the run.", required=True),
    Column("generation", WHOLE, "", "1, raised by one at each deliberate rerun; the highest counts.", required=True),
    Column(
        "status",
        TEXT,
        "",
        "done: there is an estimate, and the verdict says whether to trust it; failed: there is none, see reason.",
        required=True,
        choices=STATUSES,
        earlier=EARLIER,
    ),
    Column("reason", TEXT, "", "Why the run failed, one line."),
    Column("verdict", TEXT, "", f"What the diagnostics say: {', '.join(kind.name for kind in reversed(VERDICTS))}."),
    Column("verdict_reason", TEXT, "", "The measured value behind the verdict."),
    Column("warnings", TEXTS, "", "Warnings that a reader should know beside the verdict."),
    Column("spec", TEXT, "", "The whole spec of the run, canonical JSON."),
    Column("trial_id", TEXT, "", "Trial that computed the run."),
)

ESTIMATE = (
    Column("llc", REAL, NATS, "lambda-hat = n beta (E[L_n(w)] - L_n(w*)), L_n the mean negative log-likelihood."),
    Column("llc_mcse", REAL, NATS, "Monte Carlo standard error of llc: sd / sqrt(ESS)."),
    Column(
        "llc_sampling_se",
        REAL,
        NATS,
        "Sampling error of llc at its gamma: root of llc_mcse^2 + step_size_bias_se^2; readers fill it in old files.",
    ),
    Column(
        "llc_se",
        REAL,
        NATS,
        "Total standard error of llc: root of llc_sampling_se^2 + localization_se^2; 95%: 1.96 of it.",
    ),
    Column("llc_sd", REAL, NATS, "Standard deviation of n beta (L_n(w) - L_n(w*)) over the draws."),
    Column("llc_between_chain_sd", REAL, NATS, "Standard deviation of the chains' own estimates."),
    Column("rhat", REAL, "", "Split R-hat of the loss."),
    Column("ess_bulk", REAL, "draws", "Bulk effective sample size of the loss, all chains."),
    Column("ess_tail", REAL, "draws", "Tail effective sample size of the loss, all chains."),
    Column("dispersion", REAL, "", "Variance over mean of n beta (L_n(w) - L_n(w*)); 1 for a Gamma(lambda, 1)."),
    Column("num_failed_chains", WHOLE, "chains", "Chains that went non-finite; in no average."),
    Column("num_draws", WHOLE, "draws", "Draws kept a chain."),
    Column("num_warmup_draws", WHOLE, "draws", "Draws discarded a chain."),
    Column("steps_per_draw", WHOLE, "steps", "Sampler steps between two kept draws."),
    Column("acceptance_rate", REAL, "fraction", "Mean acceptance probability; null for samplers that never reject."),
    Column(
        "pareto_khat",
        REAL,
        "",
        "Shape of the tail of importance weights, above 0.7 no weights to trust; null: a chain.",
    ),
    Column("num_divergent", WHOLE, "draws", "Divergent transitions, all chains."),
    Column("step_size", REAL, "", "Step size used, median over chains."),
    Column("llc_uncorrected", REAL, NATS, "llc before step_size_bias is subtracted (kind auto subtracts it)."),
    Column(
        "step_size_bias", REAL, NATS, "Predicted bias of llc_uncorrected through discretisation and gradient noise."
    ),
    Column(
        "step_size_bias_se",
        REAL,
        NATS,
        "Standard error of the bias left in llc: the error of step_size_bias where it was subtracted, else all of it.",
    ),
    Column("llc_richardson", REAL, NATS, "llc_uncorrected extrapolated to step 0 from two step sizes, if asked for."),
    Column("llc_richardson_mcse", REAL, NATS, "Monte Carlo standard error of llc_richardson."),
    Column(
        "localization_sensitivity",
        REAL,
        NATS,
        "d llc / d log gamma: of llc_quadratic where it describes the draws, else Var(n beta L) - llc where the degree "
        "is 2 within its error, else -gamma/2 Cov(n beta L, |w - w*|^2).",
    ),
    Column(
        "localization_se",
        REAL,
        NATS,
        "What the localization could move: |localization_sensitivity| beyond its noise; of a ladder, its plateau's.",
    ),
    Column("num_held", REAL, "directions", "gamma E|w - w*|^2: how many of d directions the localization holds."),
    Column("num_held_quadratic", REAL, "directions", "d - 2 llc_quadratic: the same in the quadratic approximation."),
    Column(
        "llc_quadratic",
        REAL,
        NATS,
        "LLC of the quadratic approximation at w*: 1/2 sum of mu/(mu + gamma) over curvatures mu > 0 of n beta L_n.",
    ),
    Column("llc_quadratic_se", REAL, NATS, "Standard error of llc_quadratic over random vectors; 0 of eigenvalues."),
    Column(
        "llc_unlocalized",
        REAL,
        NATS,
        "llc and what llc_quadratic gains as gamma -> 0; null where llc_quadratic does not describe the draws.",
    ),
    Column(
        "virial",
        REAL,
        "directions",
        "E[(w - w*)'grad U] - 2 heat, U = n beta L_n + gamma/2 |w - w*|^2: d where chains have arrived, else less.",
    ),
    Column("virial_se", REAL, "directions", "Standard error of virial."),
    Column("loss_degree", REAL, "", "E[(w - w*)'grad L_n] / E[L_n(w) - L_n(w*)]; 2 where the loss is quadratic."),
    Column("llc_plateau", REAL, NATS, "Mean of llc over the rungs of a ladder where it stands still; null: none does."),
    Column("llc_plateau_se", REAL, NATS, "Standard error of llc_plateau."),
    Column("ladder_gamma", REALS, "1/parameter^2", "gamma of each rung of a ladder, largest first, if asked for."),
    Column("ladder_llc", REALS, NATS, "llc of each rung."),
    Column("ladder_llc_se", REALS, NATS, "Sampling error of each rung's llc."),
    Column("ladder_verdict", TEXTS, "", "Verdict on each rung."),
    Column(
        "llc_extrapolated",
        REAL,
        NATS,
        "lambda as n beta grows: from several temperatures, if asked for, or of volumes.",
    ),
    Column("llc_extrapolated_se", REAL, NATS, "Standard error of llc_extrapolated, disagreement of models included."),
    Column("multiplicity_extrapolated", REAL, "", "Multiplicity m, averaged over the models fitted to temperatures."),
    Column(
        "llc_reweighted", REAL, NATS, "llc by the draws at all temperatures together, if asked for; exact samplers."
    ),
    Column("llc_reweighted_se", REAL, NATS, "Standard error of llc_reweighted."),
    Column(
        "free_energy_slope",
        REAL,
        NATS,
        "Mean of d(-log Z)/d log n_beta between the smallest and the largest n_beta; tends to lambda; exact samplers.",
    ),
    Column("free_energy_slope_se", REAL, NATS, "Standard error of free_energy_slope."),
    Column("calibration", TEXT, "", "Values that calibration tried and chose, JSON."),
    Column(
        "loss_estimator",
        TEXT,
        "",
        "full: losses of draws are over all n examples; paired_batch: over random batches, each at w* too, unbiased.",
        choices=("full", "paired_batch"),
    ),
    Column("is_likelihood", FLAG, "", "Whether the loss is a negative log-likelihood in nats."),
    Column("num_params", WHOLE, "parameters", "Parameters of the target (d)."),
    Column("num_sampled_params", WHOLE, "parameters", "Parameters of the component that was sampled."),
    Column("num_data", WHOLE, "examples", "Size of the dataset (n), never of a batch."),
    Column("loss_at_center", REAL, "nats per example", "L_n(w*) on the full data, float64."),
    Column("gradient_norm_at_center", REAL, "nats per example per parameter unit", "|grad L_n(w*)|; 0 at a minimum."),
    Column("test_loss", REAL, "nats per example", "Mean loss at w* on held-out data."),
    Column("test_accuracy", REAL, "fraction", "Accuracy at w* on held-out data."),
    Column("train_accuracy", REAL, "fraction", "Accuracy at w* on the training data."),
    Column("train_reward", REAL, "", "Expected reward of the policy at w* on training prompts, exact."),
    Column("test_reward", REAL, "", "Expected reward of the policy at w* on held-out prompts, exact."),
    Column(
        "update_sparsity_exact",
        REAL,
        "fraction",
        "Share of the sampled parameters that fine-tuning left as they were, to the bit, in the type they are held in.",
    ),
    Column("update_sparsity_tolerance", REAL, "fraction", "Share of the sampled parameters that moved 1e-5 at most."),
    Column(
        "update_sparsity_relative",
        REAL,
        "fraction",
        "Share of the sampled parameters that moved a thousandth of their size at most.",
    ),
    Column(
        "update_sparsity_bfloat16",
        REAL,
        "fraction",
        "Share of the sampled parameters that is equal before and after in bfloat16.",
    ),
    Column(
        "update_sparsity_bfloat16_tolerance",
        REAL,
        "fraction",
        "Share whose difference, both in bfloat16, is 1e-5 at most: what Mukherjee et al. (2025) call update sparsity.",
    ),
    Column("phase", WHOLE, "", "Phase of training that the checkpoint lies in, from 0; pretraining comes first."),
    Column(
        "memorization_step", WHOLE, "training steps", "First step of the last phase with 95% of training data right."
    ),
    Column("grokking_step", WHOLE, "training steps", "First step of the last phase with 95% of held-out data right."),
    Column("grokking_lag", WHOLE, "training steps", "grokking_step - memorization_step."),
    Column("grokking_censored", FLAG, "", "Whether training ended before grokking_step, which is null then."),
    Column(
        "prefix_matching",
        REAL,
        "fraction",
        "Largest mean attention, over the heads of a transformer at w*, to what followed the current token before.",
    ),
    Column("induction_head", TEXT, "", "Head with the largest prefix_matching, named as components are: l1h3."),
)

OBSERVED = (
    Column("probe_set", TEXTS, "", "Probe set of each probe example; the view `observables` has one row per example."),
    Column("probe_loss", REALS, NATS, "Mean loss of each probe example over the draws."),
    Column("probe_loss_se", REALS, NATS, "Standard error of each probe_loss, over chains."),
    Column(
        "probe_susceptibility", REALS, "nats^2", "-Cov(L_n(w), l_j(w) - L_n(w)) over the draws, l_j of probe example j."
    ),
    Column("probe_susceptibility_se", REALS, "nats^2", "Standard error of each probe_susceptibility, over chains."),
    Column(
        "probe_influence",
        REALS,
        "nats^2",
        "Bayesian influence -Cov(l_i(w), l_j(w)), probe example i by j, row by row; null beyond 100 examples.",
    ),
    Column("probe_influence_se", REALS, "nats^2", "Standard error of each probe_influence, over chains."),
)

KNOWN_ANSWER = (
    Column("true_llc", REAL, NATS, "The known answer to compare llc with."),
    Column(
        "true_llc_kind",
        TEXT,
        "",
        "Kind of true_llc: exact at this n beta and gamma, asymptotic at this w*, or of the global minimum.",
        choices=("finite_temperature", "local", "global"),
    ),
    Column("true_llc_source", TEXT, "", "Formula or reference of true_llc."),
    Column("true_llc_mcse", REAL, NATS, "Monte Carlo standard error of true_llc: 0 unless it comes from a long run."),
    Column("true_llc_asymptotic", REAL, NATS, "lambda as n beta -> infinity, where known."),
    Column(
        "true_llc_asymptotic_kind",
        TEXT,
        "",
        "Whether true_llc_asymptotic is the value at this w* or the global minimum, a lower bound.",
        choices=("local", "global"),
    ),
    Column("true_multiplicity", REAL, "", "Multiplicity m of the asymptotic lambda, where known."),
)

WORK = (
    Column(
        "num_gradients",
        REAL,
        FDE,
        "Minibatch gradients x batch/n + full gradients + loss evaluations / 3; all chains, warmup and tuning too.",
    ),
    Column(
        "spectrum_gradients",
        REAL,
        FDE,
        "Gradients of the spectrum at w*, once for all runs of a target, in no other column; null: it was not taken.",
    ),
    Column("warmup_gradients", REAL, FDE, "The part of num_gradients spent before the first kept draw."),
    Column("wnv_seconds", REAL, "nats^2 seconds", "Work-normalised variance in time: llc_mcse^2 x sampling seconds."),
    Column("wnv_gradients", REAL, "nats^2 FDE", "Work-normalised variance in gradients: llc_mcse^2 x num_gradients."),
    Column("ess_per_second", REAL, "draws/second", "ess_bulk over sampling_seconds."),
    Column("ess_per_gradient", REAL, "draws/FDE", "ess_bulk over num_gradients."),
    Column("time_to_se1", REAL, "seconds", "Seconds until the standard error is 1 nat: seconds x llc_mcse^2."),
    Column("fde_to_se1", REAL, FDE, "Gradients until the standard error is 1 nat: num_gradients x llc_mcse^2."),
    Column("sampling_seconds", REAL, "seconds", "Wall time of sampling, warmup included, compilation excluded."),
    Column(
        "sampling_cpu_seconds",
        REAL,
        "seconds",
        "CPU time of sampling, warmup included, compilation excluded, over all cores; with an accelerator its host's.",
    ),
    Column("compile_seconds", REAL, "seconds", "Wall time of compilation on behalf of this run."),
    Column("build_seconds", REAL, "seconds", "Wall time of building or loading the target."),
    Column(
        "num_compilations",
        WHOLE,
        "compilations",
        "Programs compiled while this run waited; of runs done side by side the first is charged, so sums are right.",
    ),
    Column("pack_size", WHOLE, "runs", "Most runs, this one included, that one call of the program advanced."),
    Column(
        "device_seconds",
        REAL,
        "seconds",
        "sampling_seconds + compile_seconds, times the devices held.",
    ),
)

ENVIRONMENT = (
    Column("llcray_version", TEXT, "", "Version of llcray that computed the run."),
    Column("jax_version", TEXT, "", "Version of JAX."),
    Column("blackjax_version", TEXT, "", "Version of BlackJAX."),
    Column("python_version", TEXT, "", "Version of Python."),
    Column("device_kind", TEXT, "", "Model of the device, as JAX names it."),
    Column("device_platform", TEXT, "", "cpu, gpu or tpu."),
    Column("precision", TEXT, "", "Floating point type of the chains: float32 or float64."),
    Column("host", TEXT, "", "Name of the machine."),
    Column("started_at", TIME, "UTC", "When the run started."),
    Column("finished_at", TIME, "UTC", "When the run finished."),
)

COMMIT = (
    Column(
        "draws_file", TEXT, "", "Name of the draws file written with the row; after compaction they are in segments."
    ),
    Column("draws_sha256", TEXT, "", "SHA-256 of the draws file."),
    Column("draws_digest", TEXT, "", "SHA-256 of the draws' logical content; survives compaction. Null: no draws."),
    Column("nonce", TEXT, "", "Random text that tells this write from any other.", required=True),
    Column("schema_version", WHOLE, "", "Version of the schema the row was written with.", required=True),
)

RUN_COLUMNS: tuple[Column, ...] = (*IDENTITY, *AXES, *ESTIMATE, *OBSERVED, *KNOWN_ANSWER, *WORK, *ENVIRONMENT, *COMMIT)
