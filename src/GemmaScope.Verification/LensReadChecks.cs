using GemmaScope.Files;
using GemmaScope.Lenses;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>Read-outs of the evaluation prompt, and the directions of tokens.</summary>
internal static class LensReadChecks
{
    public static IEnumerable<Check> Verify(LensHost host)
    {
        var config = host.Model.Config;
        var prompt = host.Ids("eval_prompt");
        using var run = host.Model.Run(prompt, capture: Enumerable.Range(0, config.Layers).Select(Site.ResidPost), logits: LogitRows.All);
        for (var layer = 0; layer < config.Layers; layer++)
            if (host.Has($"eval.blocks.{layer}.resid_post"))
                yield return Check.Close(
                    $"eval.blocks.{layer}.resid_post",
                    run[Site.ResidPost(layer)].AsSpan(),
                    host.Values($"eval.blocks.{layer}.resid_post"),
                    LensHost.Logits
                );
        var final = run.Logits!.AsSpan().ToArray();
        if (host.Has("eval.logits"))
            yield return Check.Close("eval.logits", final, host.Values("eval.logits"), LensHost.Logits);

        using JacobianLens lens = host.Lens(),
            rounded = host.Lens(rounded: true);
        using var plain = new LogitLens();
        var readout = host.Expected.Section("readout") ?? throw host.Expected.Missing("readout");
        var gaps = host.Expected.Section("readout_smallest_gap_in_top6") ?? throw host.Expected.Missing("readout_smallest_gap_in_top6");
        foreach (var layer in host.Layers)
        {
            var residual = run[Site.ResidPost(layer)];
            var read = new Dictionary<string, float[]>
            {
                ["jacobian"] = Read(host.Model, lens, layer, residual),
                ["jacobian_f16"] = Read(host.Model, rounded, layer, residual),
                ["logit"] = Read(host.Model, plain, layer, residual),
            };
            foreach (var (name, logits) in read)
            {
                if (host.Has($"lens.{name}.{layer}.top5"))
                    yield return Check.That(
                        $"lens.{name}.{layer}.top5",
                        Top(logits, config.VocabularyRows, 5).SequenceEqual(host.Integers($"lens.{name}.{layer}.top5"))
                    );
                if (host.Has($"lens.{name}.{layer}.logits"))
                    yield return Check.Close(
                        $"lens.{name}.{layer}.logits",
                        Rows(logits, host.Ids("positions_full"), config.VocabularyRows),
                        host.Values($"lens.{name}.{layer}.logits"),
                        LensHost.Logits
                    );
                // A difference of two logits of up to 30.
                if (gaps.Number($"{name}.{layer}") is { } gap)
                    yield return Check.Within($"gap.{name}.{layer}", Math.Abs(Gap(logits, config.VocabularyRows) - gap), 2e-3);
            }
            if (readout.Section($"{layer}") is not { } want)
                continue;
            foreach (var check in Numbers(host, lens, layer, residual, read, final, want))
                yield return check;
        }
        foreach (var check in Directions(host, lens))
            yield return check;
        foreach (var check in Reading(host, lens, prompt, final))
            yield return check;
    }

    /// <summary>What the product itself shows is the same.</summary>
    private static IEnumerable<Check> Reading(LensHost host, JacobianLens lens, int[] prompt, float[] final)
    {
        var reading = LensReading.Read(host.Model, lens, prompt);
        foreach (var layer in host.Layers)
            if (host.Has($"lens.jacobian.{layer}.top5"))
                yield return Check.That(
                    $"reading.{layer}.top5",
                    reading
                        .Row(layer)
                        .SelectMany(cell => cell.Top.Select(token => token.Token))
                        .SequenceEqual(host.Integers($"lens.jacobian.{layer}.top5"))
                );
        yield return Check.That(
            "reading.answers",
            reading.Paths.Select(path => path.Answer.Token).SequenceEqual(Top(final, host.Model.Config.VocabularyRows, 1))
        );
    }

    private static IEnumerable<Check> Numbers(
        LensHost host,
        JacobianLens lens,
        int layer,
        Tensor residual,
        Dictionary<string, float[]> read,
        float[] final,
        JsonSection want
    )
    {
        var vocabulary = host.Model.Config.VocabularyRows;
        yield return Near("top1_jacobian_vs_model", Agreement(read["jacobian"], final, vocabulary), 1e-9);
        yield return Near("top1_logit_vs_model", Agreement(read["logit"], final, vocabulary), 1e-9);
        // Rounding moves the logits by a hundredth; they are near 30 and known to 1e-4 of that.
        yield return Near("f16_max_logit_change", LensHost.Largest(read["jacobian"], read["jacobian_f16"]), 2e-3);
        yield return Near(
            "f16_top5_changed",
            Top(read["jacobian"], vocabulary, 5).Zip(Top(read["jacobian_f16"], vocabulary, 5)).Count(pair => pair.First != pair.Second),
            0
        );
        yield return Near("no_softcap_off_by", LensHost.Largest(read["jacobian"], Uncapped(host.Model, lens, layer, residual)), 4e-3);
        using var turned = new JacobianLens([KeyValuePair.Create(layer, Turned(lens[layer]))], new());
        yield return Near("transposed_off_by", LensHost.Largest(read["jacobian"], Read(host.Model, turned, layer, residual)), 4e-3);

        Check Near(string key, double got, double tolerance) =>
            Check.Within($"readout.{layer}.{key}", Math.Abs(got - (want.Number(key) ?? throw want.Missing(key))), tolerance);
    }

    private static IEnumerable<Check> Directions(LensHost host, JacobianLens lens)
    {
        var tokens = host.Expected.Section("tokens") ?? throw host.Expected.Missing("tokens");
        foreach (var layer in host.Layers)
        foreach (var name in (string[])["source", "target"])
        foreach (var gain in (bool[])[false, true])
        {
            var array = $"vector{(gain ? "_with_gain" : "")}.{layer}.{name}";
            if (host.Has(array))
                yield return host.Matrix(
                    array,
                    lens.Direction(host.Model, layer, tokens.Integer(name) ?? throw tokens.Missing(name), gain)
                );
        }
    }

    internal static float[] Read(GemmaModel model, Lens lens, int layer, Tensor residual)
    {
        using Tensor carried = Tensor.Uninitialized(residual.Rows, residual.Columns),
            logits = Tensor.Uninitialized(residual.Rows, model.Config.VocabularyRows);
        lens.Carry(layer, residual.AsMatrix(), carried.AsMatrix());
        model.ReadOut(carried.AsMatrix(), carried.AsMatrix(), logits.AsMatrix());
        return logits.AsSpan().ToArray();
    }

    private static float[] Uncapped(GemmaModel model, Lens lens, int layer, Tensor residual)
    {
        using Tensor carried = Tensor.Uninitialized(residual.Rows, residual.Columns),
            logits = Tensor.Uninitialized(residual.Rows, model.Config.VocabularyRows);
        lens.Carry(layer, residual.AsMatrix(), carried.AsMatrix());
        for (var row = 0; row < residual.Rows; row++)
            Elementwise.RmsNorm(carried.Row(row), model.FinalGain, model.Config.NormEpsilon, carried.Row(row));
        model.DirectLogits(carried.AsMatrix(), logits.AsMatrix());
        return logits.AsSpan().ToArray();
    }

    private static Tensor Turned(Tensor matrix)
    {
        var turned = Tensor.Uninitialized(matrix.Shape);
        for (var i = 0; i < matrix.Rows; i++)
        for (var j = 0; j < matrix.Columns; j++)
            turned.Row(j)[i] = matrix.Row(i)[j];
        return turned;
    }

    internal static float[] Rows(float[] logits, int[] positions, int width) =>
        [.. positions.SelectMany(position => logits[(position * width)..((position + 1) * width)])];

    internal static int[] Top(float[] logits, int width, int count) =>
        [
            .. Enumerable
                .Range(0, logits.Length / width)
                .SelectMany(row => Enumerable.Range(0, width).OrderByDescending(token => logits[row * width + token]).Take(count)),
        ];

    private static double Agreement(float[] logits, float[] final, int width) =>
        Top(logits, width, 1).Zip(Top(final, width, 1)).Average(pair => pair.First == pair.Second ? 1 : 0);

    private static double Gap(float[] logits, int width) =>
        Enumerable
            .Range(0, logits.Length / width)
            .Min(row =>
            {
                var six = logits[(row * width)..((row + 1) * width)].OrderDescending().Take(6).ToArray();
                return six.Zip(six.Skip(1)).Min(pair => (double)pair.First - pair.Second);
            });
}
