using GemmaScope.Evaluation;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>Compares every tensor of a golden evaluation; a tensor of another name than those known fails.</summary>
internal sealed class SplicedTensorChecks
{
    private const double PerToken = 1e-4,
        Activations = 1e-4;

    private readonly SplicedHost _host;
    private readonly SafetensorsFile _golden;
    private readonly HashSet<string> _checked = [];

    private SplicedTensorChecks(SplicedHost host) => (_host, _golden) = (host, host.Golden);

    public static IEnumerable<Check> Verify(SplicedHost host)
    {
        var checks = new SplicedTensorChecks(host);
        foreach (var check in checks.Rows().Concat(checks.Clean()).Concat(checks.Spliced()))
            yield return check;
        var unknown = host.Golden.Tensors.Keys.Except(checks._checked).Order(StringComparer.Ordinal).ToArray();
        yield return Check.That(
            "all tensors",
            unknown.Length == 0,
            unknown.Length == 0 ? $"{host.Golden.Tensors.Count} compared" : $"not known: {string.Join(", ", unknown)}"
        );
    }

    private IEnumerable<Check> Rows()
    {
        var (batch, length) = (_host.All, _host.Sequences[0].Length);
        _checked.UnionWith(["input_ids", "counted_row", "counted_prediction"]);
        yield return Check.That("counted_row", batch.Counted.SequenceEqual(Golden.Flags(_golden, "counted_row")));
        var predictions = batch.CountedPredictions().Chunk(length).SelectMany(row => row[..^1]);
        yield return Check.That("counted_prediction", predictions.SequenceEqual(Golden.Flags(_golden, "counted_prediction")));
    }

    private IEnumerable<Check> Clean()
    {
        var names = _golden
            .Tensors.Keys.Where(name => name.StartsWith("clean.blocks.", StringComparison.Ordinal))
            .ToDictionary(name => name, name => SiteOf(name["clean.".Length..]));
        var sites = _host.Dictionaries.SelectMany(one => one.InputSites.Concat(one.OutputSites)).Concat(names.Values).Distinct();
        using var run = _host.Model.Run(_host.Sequences, capture: sites, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        foreach (var check in Losses("clean", run))
            yield return check;
        foreach (var (name, site) in names)
            yield return Close(name, run[site].AsSpan());
        var gradients = Gradients();
        foreach (var check in gradients.Select(pair => Gradient(pair.Key, pair.Value)).OfType<Check>())
            yield return check;
        foreach (var (name, dictionary) in _host.Names.Zip(_host.Dictionaries))
        {
            if (!_golden.Tensors.ContainsKey($"{name}.l0"))
                continue;
            var features = dictionary.Encode(run);
            var input = run[dictionary.InputSite].AsMatrix();
            using var reconstruction = dictionary.Decode(features, input);
            var l0 = Enumerable.Range(0, features.Rows).Select(features.L0);
            yield return That($"{name}.l0", l0.SequenceEqual(Golden.Integers(_golden, $"{name}.l0").ToArray()));
            var sparsity = new SparsitySums(dictionary.Width);
            sparsity.Add(features, _host.All.Counted);
            yield return That(
                $"{name}.density_counts",
                sparsity.Counts.SequenceEqual(Golden.Integers(_golden, $"{name}.density_counts").ToArray().Select(count => (long)count))
            );
            yield return Close($"{name}.x_hat_first12", reconstruction.AsSpan());
            var first = _golden[$"{name}.f_first4"].AsMatrix();
            using var dense = Golden.Dense(features.SliceRows(0, first.Rows), 0, dictionary.Width);
            yield return Close($"{name}.f_first4", dense.AsSpan());
            yield return Uniformity(name, dictionary, features, gradients[dictionary.OutputSite]);
        }
        foreach (var gradient in gradients.Values)
            gradient.Dispose();
    }

    private IEnumerable<Check> Spliced()
    {
        var means = _host.Means();
        foreach (var set in _host.Sets)
        {
            var members = set.Members.Select(member => _host.Dictionaries[member]).ToArray();
            foreach (var run in Enum.GetValues<SplicedRun>())
            {
                var name = $"{set.Name}.{SplicedNumbers.Name(run)}";
                if (!_golden.Tensors.ContainsKey($"{name}.cross_entropy"))
                    continue;
                using var edited = _host.Model.Run(
                    _host.Sequences,
                    edits: Splice.Edits(run, members, _host.All, means),
                    logits: LogitRows.All,
                    arithmetic: Arithmetic.Exact
                );
                foreach (var check in Losses(name, edited))
                    yield return check;
            }
        }
    }

    /// <summary>Cross-entropy of every prediction, and the logits of the first sequences.</summary>
    private IEnumerable<Check> Losses(string name, ModelRun run)
    {
        var losses = new Predictions(_host.All, run.Logits!.AsMatrix()).CrossEntropy;
        float[] got = [.. losses.Chunk(_host.Sequences[0].Length).SelectMany(row => row[..^1]).Select(loss => (float)loss)];
        _checked.Add($"{name}.cross_entropy");
        var want = _golden[$"{name}.cross_entropy"].AsSpan().ToArray();
        var error = got.Length == want.Length ? got.Zip(want, (a, b) => Math.Abs(a - b)).Max() : double.PositiveInfinity;
        yield return Check.Within($"{name}.cross_entropy", error, PerToken);
        if (_golden.Tensors.ContainsKey($"{name}.logits_first2"))
            yield return Close($"{name}.logits_first2", run.Logits!.AsSpan());
    }

    /// <summary>Gradients of the mean over all counted predictions; the evaluator's are of the mean of each sequence.</summary>
    private Dictionary<Site, Tensor> Gradients()
    {
        var sites = _host.Dictionaries.Select(one => one.OutputSite).Distinct().ToArray();
        var gradients = Evaluator.LossGradients(_host.Model, _host.All, sites, Arithmetic.Exact, default);
        var counted = _host.All.CountedPredictions();
        var length = _host.Sequences[0].Length;
        foreach (var gradient in gradients.Values)
            for (var row = 0; row < counted.Length; row++)
            {
                var own = counted.AsSpan(row / length * length, length).Count(true);
                foreach (ref var value in gradient.Row(row))
                    value *= (float)own / counted.Count(flag => flag);
            }
        return gradients;
    }

    private Check? Gradient(Site site, Tensor got)
    {
        var name = $"grad.blocks.{site.Layer}.{site.ToString().Split('.')[0]}";
        if (!_golden.Tensors.TryGetValue(name, out var want))
            return null;
        _checked.Add(name);
        double error = 0,
            norm = 0;
        for (var i = 0; i < want.Length; i++)
        {
            error += Math.Pow(got.AsSpan()[i] - want.AsSpan()[i], 2);
            norm += Math.Pow(want.AsSpan()[i], 2);
        }
        return Check.Within(name, Math.Sqrt(error / norm), 1e-4);
    }

    private Check Uniformity(
        string name,
        Dictionaries.SparseDictionary dictionary,
        Dictionaries.SparseActivations features,
        Tensor gradient
    )
    {
        _checked.Add($"{name}.uniformity_row");
        var want = _golden[$"{name}.uniformity_row"].AsSpan();
        var vector = new float[dictionary.OutputWidth];
        double error = 0;
        for (var row = 0; row < features.Rows; row++)
        {
            var products = DictionaryEvaluation.AlongDecoders(dictionary, features.Indices(row), gradient.Row(row), vector);
            var got = _host.All.Counted[row] ? UniformitySums.OfRow(features.Values(row), products) ?? -1 : -1;
            var difference = Math.Abs(got - want[row]);
            error = difference <= error ? error : difference;
        }
        return Check.Within($"{name}.uniformity_row", error, 1e-4);
    }

    private Check That(string name, bool holds)
    {
        _checked.Add(name);
        return Check.That(name, holds);
    }

    /// <summary>The golden may hold the first rows only.</summary>
    private Check Close(string name, ReadOnlySpan<float> got)
    {
        _checked.Add(name);
        var want = _golden[name].AsSpan();
        return Check.Close(name, got.Length > want.Length ? got[..want.Length] : got, want, Activations);
    }

    private static Site SiteOf(string name) =>
        name.Split('.') is ["blocks", var layer, var kind]
            ? Site.Parse($"{kind}.{layer}")
            : throw new ArgumentProblemException("names no site", name);
}
