using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>How features follow from the encoder's products while training (METHODS §2.3, §2.8).</summary>
public enum Architecture
{
    /// <summary>f = z where z &gt; θ, with θ trained by straight-through derivatives.</summary>
    JumpRelu,

    /// <summary>f = max(z, 0).</summary>
    Relu,

    /// <summary>A gate decides which features fire, a magnitude of the same directions how strongly.</summary>
    Gated,

    /// <summary>The k largest z of each row.</summary>
    TopK,

    /// <summary>The k · B largest z of a batch of B rows; used afterwards with one threshold for all features.</summary>
    BatchTopK,
}

/// <summary>What makes features sparse (METHODS §2.7). Every term is multiplied by λ; L0 terms train θ only.</summary>
public enum SparsityTerm
{
    /// <summary>Nothing: the architecture itself is sparse (top-k).</summary>
    None,

    /// <summary>Mean L0.</summary>
    L0,

    /// <summary>(L0 − L0*)² / (2 L0*) with the mean L0 of the batch: at twice the target as steep as <see cref="L0"/>.</summary>
    L0Target,

    /// <summary>Mean over tokens of (L0 − L0*)² / (2 L0*).</summary>
    L0TargetPerToken,

    /// <summary>(L0 / L0* − 1)² with the mean L0 of the batch.</summary>
    L0TargetRelative,

    /// <summary>Σ_i p_i (1 + p_i / p0) with p_i the share of the batch on which i fires.</summary>
    Frequency,

    /// <summary>Mean of Σ_i tanh(c f_i ‖W_dec,i‖).</summary>
    Tanh,

    /// <summary>Mean of Σ_i f_i, times ‖W_dec,i‖ if <see cref="Recipe.NormWeighted"/>.</summary>
    L1,

    /// <summary>Mean of Σ_i f_i^p with p falling from 1 to 0 (p-anneal).</summary>
    Lp,
}

/// <summary>Where b_dec begins.</summary>
public enum DecoderBiasStart
{
    /// <summary>At 0.</summary>
    Zero,

    /// <summary>At the mean of the first rows of the target.</summary>
    Mean,

    /// <summary>At their geometric median.</summary>
    GeometricMedian,
}

/// <summary>
/// Everything that decides how a dictionary is trained, beside its shape and its data. The defaults are those of Gemma Scope 1
/// (METHODS §2.3), which are made for long runs; in a shorter <see cref="TrainingRun"/> those that depend on its length are scaled to it
/// unless they are set. Rows are divided by one scale per site before, so that their mean squared norm is 1.
/// </summary>
public sealed partial record Recipe
{
    /// <summary>How features follow from the encoder. Default JumpReLU.</summary>
    public Architecture Architecture { get; init; } = Architecture.JumpRelu;

    // The objective.

    /// <summary>The sparsity term. Default L0.</summary>
    public SparsityTerm Sparsity { get; init; } = SparsityTerm.L0;

    /// <summary>
    /// λ, the weight of <see cref="Sparsity"/>. Default 6e-4, which leads to an L0 of about 50 on Gemma 2; of the target terms so much that
    /// the target is reached: 0.03, and 1 of <see cref="SparsityTerm.L0TargetRelative"/>.
    /// </summary>
    public double Lambda
    {
        get => _lambda ?? DefaultLambda(Sparsity);
        init => _lambda = value;
    }

    /// <summary>Steps in which λ rises linearly: λ_t = λ · min(1, (t + 1) / steps). Default 10,000, but at most a fifth of a run; 50,000 in
    /// Gemma Scope 2.</summary>
    public long LambdaWarmupSteps
    {
        get => _lambdaWarmupSteps ?? Long.LambdaWarmupSteps;
        init => _lambdaWarmupSteps = value;
    }

    /// <summary>L0* of the target terms.</summary>
    public double L0Target { get; init; } = 50;

    /// <summary>
    /// L0* in the first step, from which it falls linearly to <see cref="L0Target"/>; null: never anything else. For dictionaries of
    /// several layers, whose features begin by doing the same thing in each layer and so need more of them (METHODS §3.3), and for wide
    /// transcoders of a small L0, most of whose features would fall silent before they have learned anything.
    /// </summary>
    public double? L0TargetStart { get; init; }

    /// <summary>Steps in which L0* falls from <see cref="L0TargetStart"/>. Default 50,000, but at most half of a run.</summary>
    public long L0TargetSteps
    {
        get => _l0TargetSteps ?? Long.L0TargetSteps;
        init => _l0TargetSteps = value;
    }

    /// <summary>p0 of the frequency term: the rate at which a feature costs twice its L0. Default 0.1.</summary>
    public double FrequencyScale { get; init; } = 0.1;

    /// <summary>Weight of a frequency term beside <see cref="Sparsity"/>, as a multiple of λ. Default 0: none.</summary>
    public double FrequencyRatio { get; init; }

    /// <summary>c of the tanh term. Default 4.</summary>
    public double TanhScale { get; init; } = 4;

    /// <summary>Weight of Σ_i max(θ_i − z_i, 0) ‖W_dec,i‖, which keeps silent JumpReLU features alive; not multiplied by λ. Default 0:
    /// none.</summary>
    public double PreActivation { get; init; }

    /// <summary>Whether L1 counts f_i ‖W_dec,i‖ (for decoders of free norm). Default false.</summary>
    public bool NormWeighted { get; init; }

    /// <summary>Whether ‖W_dec,i‖ of several output layers is the sum of each layer's norm instead of the norm of all (METHODS §4.3).
    /// Default false.</summary>
    public bool SumLayerNorms { get; init; }

    /// <summary>p-anneal: the step of the first fall of p. Default 15,000, but at most 15 % of a run.</summary>
    public long AnnealStart
    {
        get => _annealStart ?? Long.AnnealStart;
        init => _annealStart = value;
    }

    /// <summary>p-anneal: the step of the last fall of p. Default 100,000, but at most 90 % of a run.</summary>
    public long AnnealEnd
    {
        get => _annealEnd ?? Long.AnnealEnd;
        init => _annealEnd = value;
    }

    /// <summary>p-anneal: the number of falls of p, the last to just above 0. Default 10.</summary>
    public int AnnealUpdates { get; init; } = 10;

    /// <summary>Matryoshka: numbers of features after which a reconstruction counts, the last being all; null: only all of them (METHODS
    /// §4.1).</summary>
    public IReadOnlyList<int>? Prefixes { get; init; }

    /// <summary>Matryoshka: whether the reconstruction by b_dec alone counts too. Default false.</summary>
    public bool BiasOnlyPrefix { get; init; }

    // Features.

    /// <summary>k of the top-k family: features of a row, on the average for BatchTopK. Default 50.</summary>
    public int K { get; init; } = 50;

    /// <summary>Weight of the AuxK loss, by which dead features learn the residual error (METHODS §2.8). Default 0: none; 1/32 is
    /// usual.</summary>
    public double AuxiliaryCoefficient { get; init; }

    /// <summary>Dead features used by AuxK for a row. Default 0: half the width of the output.</summary>
    public int AuxiliaryK { get; init; }

    /// <summary>Tokens without firing after which a feature is dead. Default 10,000,000, but at most a tenth of a run's.</summary>
    public long DeadAfterTokens
    {
        get => _deadAfterTokens ?? Long.DeadAfterTokens;
        init => _deadAfterTokens = value;
    }

    /// <summary>Share of the newest smallest kept activation in the running threshold of the top-k family. Default 0.001.</summary>
    public double ThresholdRate { get; init; } = 0.001;

    /// <summary>ε, the width of the kernel of the straight-through derivatives. Default 0.001.</summary>
    public double Epsilon { get; init; } = 0.001;

    /// <summary>θ of every feature at the start. Default 0.001.</summary>
    public double ThresholdStart { get; init; } = 0.001;

    /// <summary>Whether ln θ is trained instead of θ. Default false.</summary>
    public bool LogThreshold { get; init; }

    // Parameters.

    /// <summary>Whether the encoder sees x − b_dec; Default true, and ignored unless one site is reconstructed.</summary>
    public bool SubtractDecoderBias { get; init; } = true;

    /// <summary>Whether there is a linear path from input to output beside the features (METHODS §4.2). Default false.</summary>
    public bool Skip { get; init; }

    /// <summary>Whether W_enc begins as the transpose of W_dec; else it has its own random rows. Default true, and ignored where the
    /// targets are not the inputs.</summary>
    public bool TiedStart { get; init; } = true;

    /// <summary>Factor of the first W_enc. Default 1.</summary>
    public double EncoderStartScale { get; init; } = 1;

    /// <summary>Norm of each decoder vector at the start. Default 1.</summary>
    public double DecoderStartNorm { get; init; } = 1;

    /// <summary>Where b_dec begins. Default 0.</summary>
    public DecoderBiasStart DecoderBiasStart { get; init; }

    /// <summary>Whether every decoder vector is made a unit vector after each step. Default true.</summary>
    public bool UnitNormDecoder { get; init; } = true;

    /// <summary>Whether the part of a decoder gradient along its vector is removed before Adam sees it. Default true.</summary>
    public bool ProjectDecoderGradient { get; init; } = true;

    // Optimiser.

    /// <summary>
    /// Learning rate. Default 7e-5; in a run of less than 50,000 steps as much more as it has fewer, up to 2e-3: Adam moves a parameter by
    /// about this in each step, so that fewer steps have to be longer ones to come as far.
    /// </summary>
    public double LearningRate
    {
        get => _learningRate ?? Long.LearningRate;
        init => _learningRate = value;
    }

    /// <summary>Steps of the warm-up of the learning rate, from 0.1 of it along a cosine. Default 1,000, but at most a tenth of a
    /// run.</summary>
    public long WarmupSteps
    {
        get => _warmupSteps ?? Long.WarmupSteps;
        init => _warmupSteps = value;
    }

    /// <summary>Step at which the learning rate begins to fall linearly to 0; null: never.</summary>
    public long? DecayStart { get; init; }

    /// <summary>Step at which it reaches 0.</summary>
    public long? DecayEnd { get; init; }

    /// <summary>Adam's β1. With 0 rows without gradient cost nothing and first moments are not stored. Default 0.</summary>
    public double Beta1 { get; init; }

    /// <summary>Adam's β2. Default 0.999.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Adam's ε. Default 1e-8.</summary>
    public double AdamEpsilon { get; init; } = 1e-8;

    /// <summary>Arithmetic of the dense products of a step, forward and backward; sums, gradients and parameters are f32 in any case. Default exact.</summary>
    public Arithmetic Arithmetic { get; init; } = Arithmetic.Exact;
}
