using System.Globalization;
using GemmaScope.Files;
using GemmaScope.Numerics;
using GemmaScope.Training;

namespace GemmaScope.Verification;

/// <summary>The checks of one case of training steps.</summary>
internal sealed class TrainingChecks(TrainingCase one, SafetensorsFile data)
{
    // Relative to the largest number of a tensor, and to each loss.
    private const double Tolerance = 1e-5;

    public IEnumerable<Check> All() => [.. First(), .. Dense(), .. Alternatives(), .. Steps(), .. Unknown()];

    /// <summary>Gradients, features and reconstruction of step 0.</summary>
    private IEnumerable<Check> First()
    {
        using var trainer = one.Start(one.Recipe, data);
        using var step = trainer.Gradients(Batch("x", 0), Targets(0));
        foreach (var check in Compare(step))
            yield return check;

        for (var l = 0; l < one.Shape.Blocks.Count; l++)
        for (var i = 0; i < one.Shape.Blocks[l].Features; i++)
            DecoderGeometry.Project(trainer.Parameters.Decoder[l].Values.Row(i), step.Gradients.Decoder[l].Values.Row(i));
        foreach (var name in Names("grad_projected."))
            yield return Compare($"grad_projected.{name}", TrainingTensors.Read(step.Gradients, one.Shape, name));

        yield return Compare("x_hat", step.Reconstruction.AsSpan());
        for (int l = 0, first = 0; l < one.Shape.Blocks.Count; first += one.Shape.Blocks[l++].Features)
        {
            using var f = Golden.Dense(step.Features, first, one.Shape.Blocks[l].Features);
            yield return Compare(data.Tensors.ContainsKey("f") ? "f" : $"f.{l}", f.AsSpan());
        }
        if (data.Tensors.ContainsKey("frequency"))
        {
            using var f = Golden.Dense(step.Features, 0, one.Shape.Features);
            yield return Compare(
                "frequency",
                [
                    .. Enumerable
                        .Range(0, f.Columns)
                        .Select(i => (float)Enumerable.Range(0, (int)f.Rows).Count(row => f.Row(row)[i] > 0) / f.Rows),
                ]
            );
        }
    }

    /// <summary>The gradients again, by dense products instead of sums over entries.</summary>
    private IEnumerable<Check> Dense()
    {
        using var trainer = one.Start(one.Recipe, data, dense: true);
        using var step = trainer.Gradients(Batch("x", 0), Targets(0));
        foreach (var check in Compare(step))
            yield return check with
            {
                Name = $"dense.{check.Name}",
            };
    }

    private IEnumerable<Check> Compare(StepGradients step) =>
        Names("grad.").Select(name => Compare($"grad.{name}", TrainingTensors.Read(step.Gradients, one.Shape, name)));

    /// <summary>Variants of the loss at step 0, each by itself.</summary>
    private IEnumerable<Check> Alternatives()
    {
        if (data.Tensors.ContainsKey("grad_log_threshold"))
            yield return Compare("grad_log_threshold", Gradient(one.Recipe with { LogThreshold = true }, LossParts.All).Threshold);
        if (one.Section.Section("alternatives") is not { } values)
            yield break;
        foreach (var name in values.Keys)
        {
            var (recipe, parts) = name switch
            {
                "per_token" => (one.Recipe with { Sparsity = SparsityTerm.L0TargetPerToken, FrequencyRatio = 0 }, LossParts.Sparsity),
                "relative_squared" => (
                    one.Recipe with
                    {
                        Sparsity = SparsityTerm.L0TargetRelative,
                        FrequencyRatio = 0,
                    },
                    LossParts.Sparsity
                ),
                "with_bias_only_reconstruction" => (one.Recipe with { BiasOnlyPrefix = true }, LossParts.Reconstruction),
                _ => throw values.Bad(name, "is no known variant of the loss"),
            };
            var (report, threshold) = Gradient(recipe, parts);
            yield return Golden.Number(
                $"alternative.{name}",
                parts == LossParts.Sparsity ? report.Sparsity : report.Mse,
                values,
                name,
                Tolerance
            );
            if (data.Tensors.ContainsKey($"alternative.{name}.grad_threshold"))
                yield return Compare($"alternative.{name}.grad_threshold", threshold);
        }
    }

    /// <summary>The losses of every step, and the parameters after those that the file has.</summary>
    private IEnumerable<Check> Steps()
    {
        using var trainer = one.Start(one.Recipe, data);
        for (var t = 0; t < one.Steps.Count; t++)
        {
            var report = trainer.Train(Batch("x", t), Targets(t));
            yield return Golden.Number($"step {t}.lr", report.LearningRate, one.Steps[t], "lr", Tolerance);
            yield return Golden.Count($"step {t}.entries_in_window", report.EntriesInWindow, one.Steps[t], "entries_in_window");
            var terms = one.Steps[t].Section("terms") ?? throw one.Steps[t].Missing("terms");
            foreach (var name in terms.Keys)
                yield return Golden.Number($"step {t}.{name}", Term(report, name), terms, name, Tolerance);
            foreach (var name in Names($"after{t + 1}."))
                yield return Compare($"after{t + 1}.{name}", TrainingTensors.Read(trainer.Parameters, one.Shape, name));
        }
    }

    /// <summary>What nobody looked at is not verified.</summary>
    private IEnumerable<Check> Unknown()
    {
        string[] prefixes =
        [
            "param.",
            "grad.",
            "grad_projected.",
            "alternative.",
            .. Enumerable.Range(1, one.Steps.Count).Select(t => $"after{t}."),
        ];
        return data
            .Tensors.Keys.Where(name =>
                !prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal))
                && name is not ("x" or "y" or "f" or "x_hat" or "frequency" or "grad_log_threshold")
            )
            .Where(name =>
                !(
                    name.StartsWith("f.", StringComparison.Ordinal)
                    && int.TryParse(name[2..], CultureInfo.InvariantCulture, out var l)
                    && l < one.Shape.Blocks.Count
                )
            )
            .Select(name => Check.That(name, false, "a tensor of unknown meaning"));
    }

    private (StepReport Report, float[] Threshold) Gradient(Recipe recipe, LossParts parts)
    {
        using var trainer = one.Start(recipe, data);
        using var step = trainer.Gradients(Batch("x", 0), Targets(0), parts);
        return (step.Report, step.Gradients.Threshold!.Values.AsSpan().ToArray());
    }

    private static double Term(StepReport report, string name) =>
        name switch
        {
            "total" => report.Total,
            "mse" => report.Mse,
            "sparsity" => report.Sparsity,
            "auxiliary" => report.Auxiliary ?? double.NaN,
            "l0" => report.L0,
            "lambda" => report.Lambda,
            _ => report.Parts.TryGetValue(name, out var value) ? value : double.NaN,
        };

    private Check Compare(string name, ReadOnlySpan<float> got) =>
        Check.Within(name, Golden.Error(got, EvaluationPartVerifier.F32(data, name).AsSpan()), Tolerance);

    private IEnumerable<string> Names(string prefix) =>
        data
            .Tensors.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
            .Select(name => name[prefix.Length..])
            .Order(StringComparer.Ordinal);

    private MatrixView Targets(int step) => Batch(data.Tensors.ContainsKey("y") ? "y" : "x", step);

    /// <summary>Batch t of [steps, rows, (layers,) width], layers side by side.</summary>
    private unsafe MatrixView Batch(string name, int step)
    {
        var tensor = EvaluationPartVerifier.F32(data, name);
        var (rows, columns) = ((int)tensor.Shape[1], name == "x" ? one.Shape.InputWidth : one.Shape.OutputWidth);
        if (tensor.Shape[0] != one.Steps.Count || tensor.Length != (long)one.Steps.Count * rows * columns)
            throw new FileFormatException(
                $"the tensor '{name}' {tensor} does not fit {one.Steps.Count} steps of rows of {columns}",
                data.Path
            );
        return new MatrixView(tensor.Floats + (long)step * rows * columns, rows, columns, columns);
    }
}
