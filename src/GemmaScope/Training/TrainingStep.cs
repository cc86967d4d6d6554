using System.Diagnostics;
using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>Which parts of the loss have gradients.</summary>
[Flags]
internal enum LossParts
{
    Reconstruction = 1,
    Sparsity = 2,
    Auxiliary = 4,
    All = Reconstruction | Sparsity | Auxiliary,
}

/// <summary>
/// One step: encode densely into sparse entries, decode them, and go back feature by feature. Its buffers live from step to step.
/// </summary>
internal sealed class TrainingStep : IDisposable
{
    private readonly Recipe _recipe;
    private readonly TrainerShape _shape;
    private readonly TrainerParameters _parameters;
    private readonly Firing _firing;
    private readonly RunningNumbers _running;
    private readonly FeatureRule _rule;
    private readonly EncoderPass _encoder;
    private readonly DecoderPass _decoder;
    private readonly FeaturePass _features;
    private readonly GradientNorm? _norm;
    private readonly EntryRows _found = new();
    private readonly EntryColumns _columns = new(),
        _auxiliaryColumns = new();
    private Tensor? _centred;

    public TrainingStep(Recipe recipe, TrainerShape shape, TrainerParameters parameters, Firing firing, RunningNumbers running)
    {
        (_recipe, _shape, _parameters, _firing, _running) = (recipe, shape, parameters, firing, running);
        _rule = recipe.Architecture switch
        {
            Architecture.JumpRelu => new JumpReluRule(recipe, parameters),
            Architecture.Relu => new ReluRule(),
            Architecture.Gated => new GatedRule(parameters),
            _ => new TopKRule(recipe, recipe.AuxiliaryK > 0 ? recipe.AuxiliaryK : Math.Max(1, shape.OutputWidth / 2)),
        };
        _encoder = new EncoderPass(recipe, shape, parameters);
        _decoder = new DecoderPass(recipe, shape, parameters);
        _features = new FeaturePass(recipe, shape, _decoder.Prefixes);
        _norm = recipe.ClipNorm > 0 ? new GradientNorm(recipe, parameters, shape.Features) : null;
    }

    /// <summary>Seconds of the last step: encoding, decoding, features.</summary>
    public double[] PhaseSeconds { get; } = new double[3];

    private bool Subtracts => _recipe.SubtractDecoderBias && _shape.HasOneSite;

    /// <summary>Bytes that the last batch needed beside its rows, without the encoder's scratch, whose size is fixed.</summary>
    public long Bytes => _decoder.Bytes + _found.Bytes + _columns.Bytes + _auxiliaryColumns.Bytes + (_centred?.ByteLength ?? 0);

    /// <summary>Runs forward and backward; the sink gets every gradient.</summary>
    public StepReport Run(
        MatrixView x,
        MatrixView y,
        GradientSink sink,
        long step,
        long tokens,
        IReadOnlyList<int>? fixedDead,
        LossParts parts,
        MatrixView? reconstruction = null
    )
    {
        Require(x, y);
        var start = Stopwatch.GetTimestamp();
        var lambda = Schedules.Lambda(_recipe, step) * _running.LambdaFactor;
        var (dead, deadCount) = (fixedDead ?? Dead(tokens), fixedDead?.Count ?? CountDead(tokens));
        var h = Centred(x);
        _found.Clear(x.Rows);
        _rule.Begin(step, x.Rows, dead);
        _encoder.Run(h, _rule, _found);

        var encoded = Stopwatch.GetTimestamp();
        var (l0, smallest) = CountActive();
        var sparsity = parts.HasFlag(LossParts.Sparsity);
        var loss = new StepLoss(
            x.Rows,
            sparsity ? lambda : 0,
            sparsity ? _recipe.PreActivation : 0,
            new CountPenalty(_recipe with { L0Target = Schedules.L0Target(_recipe, step) }, sparsity ? lambda : 0, l0),
            Penalty(_running.Power),
            _running.NextPower is { } next ? Penalty(next) : null
        );
        var code = _rule.Auxiliary(_found);
        _decoder.Run(
            x,
            y,
            _found,
            _rule,
            code,
            (parts.HasFlag(LossParts.Reconstruction) ? 1 : 0, parts.HasFlag(LossParts.Auxiliary) ? 1 : 0),
            reconstruction
        );
        if (!double.IsFinite(_decoder.Errors.Sum()))
            throw new ArgumentProblemException(
                $"the loss of step {step} is {_decoder.Errors.Sum()}; lower the learning rate, or look for activations that are not finite",
                "x"
            );

        var decoded = Stopwatch.GetTimestamp();
        _columns.Fill(_found, _shape.Features);
        var separate = code is not null && code.Rows != _found;
        if (separate)
            _auxiliaryColumns.Fill(code!.Rows, _shape.Features);
        var inputs = new FeatureInputs(
            h,
            loss.PreActivation != 0 ? Sums(h) : [],
            _columns,
            code is null ? null
                : separate ? _auxiliaryColumns
                : _columns,
            _decoder,
            code,
            loss,
            tokens + x.Rows
        );
        double? norm = null;
        if (_norm is not null && sink.Moves)
            (norm, sink.Factor) = Norm(step, x, inputs);
        Backward(x, inputs, sink);
        (PhaseSeconds[0], PhaseSeconds[1], PhaseSeconds[2]) = (
            Seconds(start, encoded),
            Seconds(encoded, decoded),
            Seconds(decoded, Stopwatch.GetTimestamp())
        );
        if (sink.Moves)
            _running.Follow(step, smallest, _features.Totals);
        var report = Report(step, y, lambda, loss, l0, smallest, code, (double)deadCount / _shape.Features);
        return norm is { } value
            ? report with
            {
                Parts = new Dictionary<string, double>(report.Parts) { ["gradient_norm"] = value },
            }
            : report;
    }

    /// <summary>Σ (y − ŷ)² of each row of the last batch, up to a factor that all rows share.</summary>
    public double[] RowErrors()
    {
        var errors = _decoder.Gradient(_decoder.Prefixes.Count - 1);
        return [.. Enumerable.Range(0, errors.Rows).Select(row => (double)TensorPrimitives.SumOfSquares<float>(errors.Row(row)))];
    }

    /// <summary>f of the last batch.</summary>
    public SparseActivations Features()
    {
        var (starts, indices, values) = (new int[_found.Count + 1], new List<int>(), new List<float>());
        for (var row = 0; row < _found.Count; row++)
        {
            for (var i = 0; i < _found[row].Count; i++)
            {
                var f = _rule.Value(_found[row].Features[i], _found[row].Z[i]);
                if (f == 0)
                    continue;
                indices.Add(_found[row].Features[i]);
                values.Add(f);
            }
            starts[row + 1] = indices.Count;
        }
        return new SparseActivations(_shape.Features, starts, [.. indices], [.. values]);
    }

    public void Dispose()
    {
        _encoder.Dispose();
        _decoder.Dispose();
        _centred?.Dispose();
    }

    /// <summary>Share of entries from which the features of a group go through dense products.</summary>
    public double DenseShare
    {
        set => _features.DenseShare = value;
    }

    private static double Seconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalSeconds;

    private void Require(MatrixView x, MatrixView y)
    {
        if (x.Columns != _shape.InputWidth)
            throw new ArgumentProblemException($"has {x.Columns} columns; the dictionary reads {_shape.InputWidth}", "x");
        if (y.Columns != _shape.OutputWidth)
            throw new ArgumentProblemException($"has {y.Columns} columns; the dictionary writes {_shape.OutputWidth}", "y");
        if (x.Rows == 0 || x.Rows != y.Rows)
            throw new ArgumentProblemException($"has {y.Rows} rows for {x.Rows} rows of inputs", "y");
    }

    private ActivationPenalty Penalty(double power) => new(_recipe.Sparsity, _recipe.TanhScale, power, _recipe.NormWeighted);

    /// <summary>What the encoder sees: x − b_dec, or x itself.</summary>
    private MatrixView Centred(MatrixView x)
    {
        if (!Subtracts)
            return x;
        if (_centred is null || _centred.Rows != x.Rows)
        {
            _centred?.Dispose();
            _centred = Tensor.Uninitialized(x.Rows, x.Columns);
        }
        Workers.For(x.Rows, new CentreJob(x, _parameters.DecoderBias.Values, _centred));
        return _centred.AsMatrix();
    }

    private int[] Dead(long tokens) => _recipe.AuxiliaryCoefficient == 0 ? [] : _firing.Dead(tokens);

    private int CountDead(long tokens)
    {
        var count = 0;
        for (var i = 0; i < _shape.Features; i++)
            count += _firing.IsDead(i, tokens) ? 1 : 0;
        return count;
    }

    /// <summary>Active features of each row, and the smallest positive activation.</summary>
    private (int[] L0, float Smallest) CountActive()
    {
        var (l0, smallest) = (new int[_found.Count], float.PositiveInfinity);
        for (var row = 0; row < l0.Length; row++)
        {
            var features = _found[row].Features;
            var z = _found[row].Z;
            for (var i = 0; i < features.Length; i++)
            {
                var f = _rule.Value(features[i], z[i]);
                if (f == 0)
                    continue;
                l0[row]++;
                smallest = Math.Min(smallest, f);
            }
        }
        return (l0, smallest);
    }

    private static float[] Sums(MatrixView h)
    {
        var sums = new double[h.Columns];
        for (var row = 0; row < h.Rows; row++)
        for (var i = 0; i < sums.Length; i++)
            sums[i] += h.Row(row)[i];
        return [.. sums.Select(value => (float)value)];
    }

    private void Backward(MatrixView x, FeatureInputs inputs, GradientSink sink)
    {
        _features.Run(new FeatureStep(_recipe, _shape, _parameters, _firing, _features, inputs, _rule, sink));
        PassVectors(x, sink);
    }

    /// <summary>The norm of all gradients, and the factor that clips it.</summary>
    private (double Norm, double Factor) Norm(long step, MatrixView x, FeatureInputs inputs)
    {
        _norm!.Clear();
        Backward(x, inputs, _norm);
        return double.IsFinite(_norm.Value)
            ? (_norm.Value, _norm.ClipFactor)
            : throw new ArgumentProblemException($"the gradient of step {step} is {_norm.Value}; lower the learning rate", "x");
    }

    /// <summary>The gradients of vectors, and of the linear paths.</summary>
    private void PassVectors(MatrixView x, GradientSink sink)
    {
        var bias = new float[_shape.OutputWidth];
        for (var i = 0; i < bias.Length; i++)
            bias[i] = (float)(_decoder.BiasGradient[i] - (Subtracts ? _features.ThroughInput[i] : 0));
        sink.Whole(_parameters.DecoderBias, bias);
        sink.Whole(_parameters.EncoderBias, _features.Bias);
        if (_parameters.Threshold is { } threshold)
            sink.Whole(threshold, _features.Threshold);
        if (_parameters.MagnitudeBias is { } magnitude)
            sink.Whole(magnitude, _features.MagnitudeBias);
        if (_parameters.MagnitudeLog is { } log)
            sink.Whole(log, _features.MagnitudeLog);
        for (var l = 0; l < _parameters.Skip.Length; l++)
        {
            using var gradient = _decoder.SkipGradient(l, x);
            sink.Whole(_parameters.Skip[l], gradient.AsSpan());
        }
    }

    private StepReport Report(
        long step,
        MatrixView y,
        double lambda,
        StepLoss loss,
        int[] l0,
        float smallest,
        AuxiliaryCode? code,
        double deadShare
    )
    {
        var (totals, parts) = (_features.Totals, new Dictionary<string, double>());
        var (penalty, mse) = (loss.Lambda * totals.ActivationPenalty, _decoder.Errors.Average());
        var sparsity = loss.Counts.Value + totals.Frequency + penalty + totals.PreActivation;
        if (_recipe.Prefixes is not null)
            for (var k = 0; k < _decoder.Prefixes.Count; k++)
                parts[$"mse_prefix_{_decoder.Prefixes[k]}"] = _decoder.Errors[k];
        if (_recipe.Sparsity is SparsityTerm.L0Target or SparsityTerm.L0TargetPerToken or SparsityTerm.L0TargetRelative)
            parts["sparsity_l0_target"] = loss.Counts.Value;
        if (loss.Counts.CountsFrequency)
            parts["sparsity_frequency"] = totals.Frequency;
        if (_recipe.Sparsity == SparsityTerm.Tanh)
            parts["sparsity_tanh"] = penalty;
        if (_recipe.PreActivation != 0)
            parts["pre_activation"] = totals.PreActivation;
        if (_recipe.Architecture is Architecture.TopK or Architecture.BatchTopK && float.IsFinite(smallest))
            (parts["smallest_kept"], parts["running_threshold"]) = (smallest, _running.Threshold);
        if (_shape.OutputLayers > 1)
            LayerErrors.AddTo(parts, y, _decoder.Gradient(_decoder.Prefixes.Count - 1), _shape.LayerWidth);
        return new StepReport
        {
            Step = step,
            Total = mse + sparsity + (code is null ? 0 : code.Weight * _decoder.Auxiliary),
            Mse = mse,
            Sparsity = sparsity,
            Auxiliary = code is null ? null : _decoder.Auxiliary,
            L0 = l0.Average(),
            Lambda = lambda,
            LearningRate = Schedules.LearningRate(_recipe, step),
            Fvu = _decoder.Errors[^1] / Variance(y),
            DeadShare = deadShare,
            EntriesInWindow = totals.InWindow,
            Parts = parts,
        };
    }

    /// <summary>Mean ‖y − ȳ‖².</summary>
    private static double Variance(MatrixView y)
    {
        var (sums, squares) = (new double[y.Columns], 0.0);
        for (var row = 0; row < y.Rows; row++)
        {
            var values = y.Row(row);
            for (var i = 0; i < values.Length; i++)
                sums[i] += values[i];
            squares += TensorPrimitives.SumOfSquares<float>(values);
        }
        return squares / y.Rows - sums.Sum(sum => sum / y.Rows * (sum / y.Rows));
    }

    private readonly struct CentreJob(MatrixView x, Tensor bias, Tensor centred) : IJob
    {
        public void Run(int index) => TensorPrimitives.Subtract(x.Row(index), bias.AsSpan(), centred.Row(index));
    }
}
