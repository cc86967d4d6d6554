using System.Runtime.InteropServices;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Microsoft.Win32.SafeHandles;

namespace GemmaScope.Features.Statistics;

/// <summary>
/// Which source positions a feature of an attention dictionary reads (direct feature attribution, METHODS §7):
/// Σ_h p_h(dest, src) · ⟨v_src of head h, W_enc slice of head h⟩ at the marked position of each sequence of the top group. Over all sources
/// it sums to
/// the activation without b_enc. The sequences run once more; rows go to a temporary file, for they are made by sequence and read by
/// feature.
/// </summary>
internal sealed class SourceAttribution : IDisposable
{
    /// <summary>Tokens that run together.</summary>
    private const int TokensAtOnce = 2048;

    private readonly SafeFileHandle _file;
    private readonly int _top,
        _longest;

    private SourceAttribution(string folder, int top, int longest)
    {
        (_top, _longest) = (top, longest);
        var path = Path.Combine(folder, $"sources-{Guid.NewGuid():N}.partial");
        _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);
    }

    /// <summary>Whether sources can be attributed: the dictionary reads concatenated heads, by a linear map.</summary>
    public static bool Fits(SparseDictionary dictionary) =>
        dictionary is LayerDictionary { HasSites: true, InputSites: [{ Kind: SiteKind.Z }] } layer
        && layer.Weights.Scaling.Factor is not null;

    /// <summary>Attributes all examples of the top groups.</summary>
    public static SourceAttribution Of(
        GemmaModel model,
        LayerDictionary dictionary,
        ActivationSegments store,
        ActivationDistribution distribution,
        FeatureStatisticsOptions options,
        string folder,
        IProgress<double>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var attribution = new SourceAttribution(folder, options.TopExamples, store.LongestSequence);
        try
        {
            Entry[] entries =
            [
                .. Enumerable
                    .Range(0, dictionary.Width)
                    .SelectMany(feature =>
                        distribution.Strongest(feature).Select((place, rank) => new Entry(feature, rank, place.Sequence, place.Position))
                    )
                    .OrderBy(entry => entry.Sequence),
            ];
            for (int from = 0, to; from < entries.Length; from = to)
            {
                var chunk = NextChunk(store, entries, from);
                to = from + chunk.Sum(group => group.Length);
                attribution.Attribute(model, dictionary, store, chunk, options.Arithmetic, cancellationToken);
                progress?.Report((double)to / entries.Length);
            }
            return attribution;
        }
        catch
        {
            attribution.Dispose();
            throw;
        }
    }

    /// <summary>The shares of the sources of an example, one a position of its sequence.</summary>
    public float[] Read(int feature, int rank, int length)
    {
        var row = new float[length];
        RandomAccess.Read(_file, MemoryMarshal.AsBytes(row.AsSpan()), Offset(feature, rank));
        return row;
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Entries of the next sequences, grouped by sequence.</summary>
    private static List<Entry[]> NextChunk(ActivationSegments store, Entry[] entries, int from)
    {
        var groups = new List<Entry[]>();
        var tokens = 0;
        for (int start = from, end; start < entries.Length && (groups.Count == 0 || tokens < TokensAtOnce); start = end)
        {
            for (end = start; end < entries.Length && entries[end].Sequence == entries[start].Sequence; )
                end++;
            groups.Add(entries[start..end]);
            var (segment, local) = store.Find(entries[start].Sequence);
            tokens += segment.Length(local);
        }
        return groups;
    }

    private void Attribute(
        GemmaModel model,
        LayerDictionary dictionary,
        ActivationSegments store,
        List<Entry[]> groups,
        Arithmetic? arithmetic,
        CancellationToken cancellationToken
    )
    {
        var sequences = groups
            .Select(group => store.Find(group[0].Sequence))
            .Select(found => found.Segment.Tokens(found.Sequence).ToArray())
            .ToArray();
        var layer = dictionary.InputSite.Layer!.Value;
        Site pattern = new(SiteKind.AttnPattern, layer),
            values = new(model.Config.ValuesRead, model.Config.Shapes[layer].KeyValueSource ?? layer);
        using var run = model.Run(
            sequences,
            capture: [pattern, values],
            logits: LogitRows.None,
            arithmetic: arithmetic,
            cancellationToken: cancellationToken
        );
        for (var s = 0; s < groups.Count; s++)
        {
            var (start, count) = run.RowsOf(s);
            var shape = model.Config.Shapes[layer];
            var v = run[values].Reshape(run[values].Shape[0], shape.KeyValueWidth).AsMatrix().SliceRows(start, count);
            Workers.For(
                groups[s].Length,
                new Job(this, model.Config.Heads, shape, dictionary, groups[s], run.Attention(pattern, s).AsMatrix(), v)
            );
        }
    }

    private long Offset(int feature, int rank) => ((long)feature * _top + rank) * _longest * sizeof(float);

    private readonly record struct Entry(int Feature, int Rank, int Sequence, int Position);

    private readonly struct Job(
        SourceAttribution all,
        int heads,
        LayerShape shape,
        LayerDictionary dictionary,
        Entry[] entries,
        MatrixView pattern,
        MatrixView v
    ) : IJob
    {
        public void Run(int index)
        {
            var (entry, size) = (entries[index], shape.HeadSize);
            var (encoder, sources) = (new float[dictionary.InputWidth], new float[v.Rows]);
            dictionary.Encoder(entry.Feature, encoder);
            for (var source = 0; source <= entry.Position; source++)
            {
                double sum = 0;
                for (var head = 0; head < heads; head++)
                {
                    var value = v.Row(source).Slice(head / (heads / shape.KeyValueHeads) * size, size);
                    double product = 0;
                    for (var i = 0; i < size; i++)
                        product += (double)value[i] * encoder[head * size + i];
                    sum += pattern.Row(head * v.Rows + entry.Position)[source] * product;
                }
                sources[source] = (float)sum;
            }
            RandomAccess.Write(all._file, MemoryMarshal.AsBytes(sources.AsSpan()), all.Offset(entry.Feature, entry.Rank));
        }
    }
}
