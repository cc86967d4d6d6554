using System.Numerics.Tensors;
using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;
using GemmaScope.Lenses;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>What readouts see of a conversation behind the message that holds the secret: the opening of the reply, and the reply.</summary>
/// <param name="Lenses">[lens][layer][candidate]: the largest score over these tokens; empty where the lens has no map.</param>
/// <param name="Rows">[layer]: the mean residual stream of these tokens.</param>
/// <param name="Features">[dictionary]: mean activations of features.</param>
internal sealed record HiddenReading(double[][][] Lenses, float[][] Rows, Dictionary<int, double>[] Features);

/// <summary>Reads conversations for all readouts in one pass.</summary>
internal sealed class HiddenReader
{
    private const int TextsTogether = 16;

    private readonly GemmaModel _model;
    private readonly CandidateLens[] _lenses;
    private readonly IReadOnlyList<SparseDictionary> _dictionaries;
    private readonly Site[] _sites;

    public HiddenReader(
        GemmaModel model,
        IReadOnlyList<Lens> lenses,
        IReadOnlyList<SparseDictionary> dictionaries,
        IReadOnlyList<SecretWord> words
    )
    {
        (_model, _dictionaries) = (model, dictionaries);
        int[] tokens = [.. words.Select(word => word.Token)];
        _lenses = [.. lenses.Select(lens => new CandidateLens(model, lens, tokens))];
        _sites = [.. Enumerable.Range(0, model.Config.Layers).Select(Site.ResidPost)];
    }

    /// <summary>Reads texts from a token on.</summary>
    public HiddenReading[] Read(IReadOnlyList<ReadReply> texts, IReadOnlyList<Edit> edits, CancellationToken cancellationToken)
    {
        List<HiddenReading> read = [];
        foreach (var batch in texts.Chunk(TextsTogether))
        {
            using var run = _model.Run(
                [.. batch.Select(text => text.Ids)],
                capture: [.. _sites.Concat(_dictionaries.Select(dictionary => dictionary.InputSite)).Distinct()],
                edits: edits,
                cancellationToken: cancellationToken
            );
            var features = _dictionaries.Select(dictionary => dictionary.Encode(run, cancellationToken)).ToArray();
            for (var s = 0; s < batch.Length; s++)
            {
                var (start, count) = run.RowsOf(s);
                var (first, end) = (start + batch[s].Start, start + count);
                read.Add(
                    new(
                        [.. _lenses.Select(lens => Lens(run, lens, first, end))],
                        [.. _sites.Select(site => Mean(run, site, first, end))],
                        [.. features.Select(one => Features(one, first, end))]
                    )
                );
            }
        }
        return [.. read];
    }

    private double[][] Lens(ModelRun run, CandidateLens lens, int first, int end)
    {
        var best = new double[_sites.Length][];
        Array.Fill(best, []);
        foreach (var layer in lens.Layers)
        {
            var most = lens.Scores(layer, run[_sites[layer]].Row(first));
            for (var row = first + 1; row < end; row++)
                TensorPrimitives.Max<double>(most, lens.Scores(layer, run[_sites[layer]].Row(row)), most);
            best[layer] = most;
        }
        return best;
    }

    private static float[] Mean(ModelRun run, Site site, int first, int end)
    {
        var sum = run[site].Row(first).ToArray();
        for (var row = first + 1; row < end; row++)
            TensorPrimitives.Add(sum, run[site].Row(row), sum);
        TensorPrimitives.Divide(sum, end - first, sum);
        return sum;
    }

    private static Dictionary<int, double> Features(SparseActivations features, int first, int end)
    {
        Dictionary<int, double> means = [];
        for (var row = first; row < end; row++)
        {
            var indices = features.Indices(row);
            var values = features.Values(row);
            for (var i = 0; i < indices.Length; i++)
                if (values[i] > 0)
                    means[indices[i]] = means.GetValueOrDefault(indices[i]) + values[i] / (end - first);
        }
        return means;
    }
}
