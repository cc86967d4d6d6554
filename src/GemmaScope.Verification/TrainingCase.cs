using GemmaScope.Files;
using GemmaScope.Training;

namespace GemmaScope.Verification;

/// <summary>One object of a cases.json of training steps: its recipe and shape follow from its constants and the shapes of its tensors, not
/// from its name.</summary>
internal sealed class TrainingCase
{
    private readonly JsonSection _hyper,
        _shapes;

    public TrainingCase(JsonSection section, bool hasTargets)
    {
        (Section, Name) = (section, section.Text("name") ?? throw section.Missing("name"));
        (_hyper, _shapes) = (
            section.Section("hyper") ?? throw section.Missing("hyper"),
            section.Section("shapes") ?? throw section.Missing("shapes")
        );
        Steps = section.Objects("steps");
        Shape = ReadShape(reconstructs: !hasTargets);
        Recipe = ReadRecipe();
    }

    public JsonSection Section { get; }

    public string Name { get; }

    public IReadOnlyList<JsonSection> Steps { get; }

    public TrainerShape Shape { get; }

    public Recipe Recipe { get; }

    /// <summary>The features that count as dead in all steps.</summary>
    public IReadOnlyList<int> Dead => _hyper.Integers("dead_latents") ?? [];

    /// <summary>A trainer for a recipe with this case's first parameters, whose features all go the sparse or all the dense way.</summary>
    public DictionaryTrainer Start(Recipe recipe, SafetensorsFile data, bool dense = false)
    {
        var trainer = DictionaryTrainer.Create(recipe, Shape, (ulong)(_hyper.Integer("seed") ?? 0));
        (trainer.FixedDead, trainer.DenseShare) = (Dead, dense ? 0 : double.PositiveInfinity);
        foreach (var name in _shapes.Keys)
        {
            var values = EvaluationPartVerifier.F32(data, $"param.{name}").AsSpan();
            if (name == "threshold" && recipe.LogThreshold)
                TrainingTensors.Write(
                    trainer.Parameters,
                    Shape,
                    "log_threshold",
                    [.. values.ToArray().Select(theta => (float)Math.Log(theta))]
                );
            else
                TrainingTensors.Write(trainer.Parameters, Shape, name, values);
        }
        return trainer;
    }

    private TrainerShape ReadShape(bool reconstructs)
    {
        if (_shapes.Has("w_enc.0"))
        {
            var layers = Integer("n_layers");
            return TrainerShape.CrossLayer(
                Dimensions("w_enc.0")[0],
                [.. Enumerable.Range(0, layers).Select(l => Dimensions($"w_enc.{l}")[1])],
                reconstructs
            );
        }
        var (encoder, decoder) = (Dimensions("W_enc"), Dimensions("W_dec"));
        if (encoder.Count == 3)
            return TrainerShape.Crosscoder(encoder[0], encoder[1], encoder[2]) with { Reconstructs = reconstructs };
        return TrainerShape.Transcoder(encoder[0], decoder[1], encoder[1]) with { Reconstructs = reconstructs };
    }

    private Recipe ReadRecipe()
    {
        var log = _shapes.Has("log_threshold");
        var architecture =
            _shapes.Has("b_gate") ? Architecture.Gated
            : _hyper.Has("selection") ? (_hyper.Text("selection") == "row" ? Architecture.TopK : Architecture.BatchTopK)
            : log || _shapes.Has("threshold") || _shapes.Has("threshold.0") ? Architecture.JumpRelu
            : Architecture.Relu;
        var sparsity = _hyper.Text("sparsity");
        return new Recipe
        {
            Architecture = architecture,
            Sparsity = architecture switch
            {
                Architecture.JumpRelu => sparsity switch
                {
                    "l0" => SparsityTerm.L0,
                    "l0_target" or "l0_target_frequency" => SparsityTerm.L0Target,
                    "frequency" => SparsityTerm.Frequency,
                    "tanh" => SparsityTerm.Tanh,
                    _ => throw _hyper.Bad("sparsity", $"is no known term: '{sparsity}'"),
                },
                Architecture.TopK or Architecture.BatchTopK => SparsityTerm.None,
                _ => sparsity == "lp" ? SparsityTerm.Lp : SparsityTerm.L1,
            },
            Lambda = Number("lambda"),
            LambdaWarmupSteps = Integer("lambda_warmup_steps"),
            L0Target = _hyper.Number("l0_target") ?? 1,
            L0TargetStart = _hyper.Number("l0_target_start"),
            L0TargetSteps = _hyper.Integer("l0_target_steps") ?? 0,
            AnnealStart = _hyper.Integer("anneal_start") ?? 0,
            AnnealEnd = _hyper.Integer("anneal_end") ?? 0,
            AnnealUpdates = _hyper.Integer("anneal_updates") ?? 1,
            FrequencyScale = _hyper.Number("p0") ?? 1,
            FrequencyRatio = _hyper.Number("frequency_coefficient_ratio") ?? 0,
            TanhScale = _hyper.Number("tanh_scale") ?? 1,
            PreActivation = _hyper.Number("pre_activation_coefficient") ?? 0,
            // A crosscoder's L1 is weighted with the sum of the norms of its layers (METHODS §4.3).
            NormWeighted = _hyper.Flag("norm_weighted") ?? Shape.OutputLayers > 1,
            SumLayerNorms = architecture == Architecture.Relu,
            Prefixes = _hyper.Integers("prefixes"),
            K = _hyper.Integer("k") ?? 1,
            KStart = _hyper.Integer("k_start"),
            KSteps = _hyper.Integer("k_steps") ?? 0,
            AuxiliaryCoefficient = _hyper.Number("auxk_coefficient") ?? 0,
            AuxiliaryK = _hyper.Integer("k_aux") ?? 0,
            ResampleEvery = _hyper.Integer("resample_every"),
            ResampleScale = _hyper.Number("resample_scale") ?? 1,
            ThresholdStart = _hyper.Number("threshold_start") ?? 0.001,
            ThresholdRate = _hyper.Number("threshold_lr") ?? 1,
            Epsilon = _hyper.Number("epsilon") ?? 1,
            LogThreshold = log,
            SubtractDecoderBias = _hyper.Flag("subtract_b_dec") ?? true,
            Skip = _shapes.Has("W_skip") || _shapes.Has("W_skip.0"),
            UnitNormDecoder = _hyper.Flag("renormalise_decoder") ?? throw _hyper.Missing("renormalise_decoder"),
            ProjectDecoderGradient = _hyper.Flag("project_decoder_gradient") ?? throw _hyper.Missing("project_decoder_gradient"),
            LearningRate = Number("lr"),
            WarmupSteps = Integer("lr_warmup_steps"),
            Beta1 = Number("beta1"),
            Beta2 = Number("beta2"),
            ClipNorm = _hyper.Number("clip_norm") ?? 0,
            AdamEpsilon = Number("adam_eps"),
        };
    }

    private IReadOnlyList<int> Dimensions(string tensor) =>
        _shapes.Integers(tensor) is { Count: > 1 } dimensions ? dimensions : throw _shapes.Missing(tensor);

    private double Number(string key) => _hyper.Number(key) ?? throw _hyper.Missing(key);

    private int Integer(string key) => _hyper.Integer(key) ?? throw _hyper.Missing(key);
}
