using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace GemmaScope.Circuits;

/// <summary>
/// What the rows of a file are of: a hash of each thing that decides about their numbers and their order. Model and transcoders are known by
/// what they give in this prompt, which is all of them that a row is computed from; so whole weight files need not be read, and other kernels
/// count as another model, as their last digits differ.
/// </summary>
internal sealed class RowsManifest
{
    /// <summary>Changes when rows of older versions must not be used.</summary>
    private const int Version = 1;

    /// <summary>In the order in which a difference is named: a change of the first changes others too.</summary>
    private readonly IReadOnlyList<(string What, string Hash)> _parts;

    private RowsManifest(IReadOnlyList<(string, string)> parts) => _parts = parts;

    /// <summary>The manifest of a trace.</summary>
    public static RowsManifest Of(
        ReplacementModel model,
        IReadOnlyList<CircuitTarget> targets,
        IReadOnlyList<RowTarget> resolved,
        AttributionOptions options
    ) =>
        new([
            (
                "form",
                Hash(hash =>
                {
                    hash.Add(Version);
                    hash.Add(typeof(RowsManifest).Assembly.GetName().Version?.ToString() ?? "");
                })
            ),
            (
                "prompt",
                Hash(hash =>
                {
                    hash.Add<int>(model.Tokens);
                    hash.Add(model.ZeroPositions);
                })
            ),
            ("model", Hash(hash => Model(hash, model))),
            ("transcoders", Hash(hash => Transcoders(hash, model))),
            ("targets", Hash(hash => Goals(hash, targets, resolved))),
            (
                "budget",
                Hash(hash =>
                {
                    // Without a choice of features neither decides about anything.
                    var reduced = options.MaxFeatures < model.Features.Count;
                    hash.Add(reduced ? options.MaxFeatures : -1);
                    hash.Add(reduced ? options.QueueLength : -1);
                })
            ),
            ("memory for gradients", Hash(hash => hash.Add(options.WorkingBytes))),
        ]);

    /// <summary>As it is kept.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(_parts.ToDictionary(part => part.What, part => part.Hash));

    /// <summary>The first thing that another one has otherwise, or null where there is none.</summary>
    public string? Difference(ReadOnlySpan<byte> other)
    {
        try
        {
            var known = JsonSerializer.Deserialize<Dictionary<string, string>>(other) ?? [];
            return _parts.FirstOrDefault(part => known.GetValueOrDefault(part.What) != part.Hash).What;
        }
        catch (JsonException)
        {
            return _parts[0].What;
        }
    }

    private static void Model(IncrementalHash hash, ReplacementModel model)
    {
        hash.Add(model.Layers);
        for (var position = 0; position < model.Tokens.Length; position++)
            hash.Add<float>(model.Embeddings.Row(position));
        foreach (
            var scales in (float[][])
                [
                    .. model.Frozen.BeforeAttention,
                    .. model.Frozen.Values,
                    .. model.Frozen.AfterAttention,
                    .. model.Frozen.BeforeMlp,
                    model.Frozen.Final,
                ]
        )
            hash.Add<float>(scales);
        hash.Add(model.LastLogits);
    }

    private static void Transcoders(IncrementalHash hash, ReplacementModel model)
    {
        foreach (var one in model.Features)
        {
            hash.Add([one.Layer, one.Position, one.Feature]);
            hash.Add([one.Activation]);
        }
        for (var layer = 0; layer < model.Layers; layer++)
        {
            hash.Add(model.Transcoders[layer]?.Input.ToString() ?? "");
            for (var position = 0; position < model.Tokens.Length; position++)
                hash.Add(model.Unexplained(layer, position));
        }
    }

    private static void Goals(IncrementalHash hash, IReadOnlyList<CircuitTarget> targets, IReadOnlyList<RowTarget> resolved)
    {
        foreach (var (target, row) in targets.Zip(resolved))
        {
            hash.Add([target.Weight, row.Bias, row.Value]);
            hash.Add(row.Injections.Count);
            foreach (var one in row.Injections)
            {
                hash.Add(one.Site.ToString());
                hash.Add(one.Position);
                hash.Add<float>(one.Vector);
            }
        }
    }

    private static string Hash(Action<IncrementalHash> add)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        add(hash);
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }
}

/// <summary>Numbers and texts for a hash, each with its length, so that no two rows of them are alike.</summary>
internal static class HashedValues
{
    public static void Add<T>(this IncrementalHash hash, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        hash.AppendData(BitConverter.GetBytes(values.Length));
        hash.AppendData(MemoryMarshal.AsBytes(values));
    }

    public static void Add(this IncrementalHash hash, ReadOnlySpan<float> values) => hash.Add<float>(values);

    public static void Add(this IncrementalHash hash, ReadOnlySpan<int> values) => hash.Add<int>(values);

    public static void Add(this IncrementalHash hash, ReadOnlySpan<double> values) => hash.Add<double>(values);

    public static void Add(this IncrementalHash hash, long value) => hash.Add<long>([value]);

    public static void Add(this IncrementalHash hash, string text) => hash.Add<byte>(Encoding.UTF8.GetBytes(text));
}
