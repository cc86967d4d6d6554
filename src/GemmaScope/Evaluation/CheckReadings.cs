using System.Globalization;
using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Evaluation;

/// <summary>The readings that a check compares the declared one with: the mistakes that are made with dictionaries of Gemma (METHODS §10).</summary>
internal static class CheckReadings
{
    private static readonly SiteKind[] Stream = [SiteKind.ResidPre, SiteKind.ResidMid, SiteKind.ResidPost];

    // Where one of a row is meant, others of it are taken for it: raw and normed, with and without the gain, before and after o_proj.
    private static readonly SiteKind[][] Confused =
    [
        [SiteKind.ResidMid, SiteKind.Ln2Normalized, SiteKind.MlpIn],
        [SiteKind.ResidPre, SiteKind.Ln1Normalized, SiteKind.AttnIn],
        [SiteKind.Z, SiteKind.AttnOutRaw, SiteKind.AttnOut],
        [SiteKind.MlpOutRaw, SiteKind.MlpOut],
    ];

    private static readonly SiteKind[] Kinds = [.. Stream.Concat(Confused.SelectMany(row => row)).Distinct()];

    /// <summary>The reading that a dictionary declares.</summary>
    public static CheckReading Declared(SparseDictionary dictionary) =>
        new(At(dictionary.InputSites), DictionaryMismatch.Checkpoint, dictionary.InputSites, dictionary.OutputSites);

    /// <summary>The likeliest mistakes, few enough to be tried always.</summary>
    public static IEnumerable<CheckReading> Near(SparseDictionary dictionary, GemmaModel model)
    {
        if (dictionary.InputSites.Count > 1 || dictionary.InputSite.Layer is not { } layer)
            return [];
        var kind = dictionary.InputSite.Kind;
        var places = Places([.. Others(kind)], [layer]).Concat(Places([kind], [layer - 1, layer + 1]));
        // The stream goes on through the layers: its next places are in the neighbours.
        if (Stream.Contains(kind))
            places = places.Concat(
                Places(Stream, [layer - 1, layer, layer + 1]).Where(site => Math.Abs(Place(site) - Place(dictionary.InputSite)) <= 2)
            );
        return Sites(dictionary, model.Config, places).Concat(Gains(dictionary, model)).Concat(Biases(dictionary));
    }

    /// <summary>All that can be tried.</summary>
    /// <param name="dictionary">The dictionary.</param>
    /// <param name="model">The model.</param>
    /// <param name="norm">√E‖x‖² of its inputs.</param>
    public static IEnumerable<CheckReading> All(SparseDictionary dictionary, GemmaModel model, double norm)
    {
        var sites = Sites(dictionary, model.Config, EverySite(dictionary, model.Config));
        return sites
            .Concat(Forms(dictionary, model.Config))
            .Concat(Scales(dictionary, norm))
            .Concat(Gains(dictionary, model))
            .Concat(Biases(dictionary));
    }

    private static IEnumerable<Site> EverySite(SparseDictionary dictionary, GemmaConfig config)
    {
        if (dictionary.InputSite.Layer is not { } layer)
            return Stream.Concat(Kinds).Select(kind => new Site(kind, 0));
        return Places(Kinds, [layer - 1, layer, layer + 1])
            .Concat(Places([dictionary.InputSite.Kind], [.. Enumerable.Range(0, config.Layers)]));
    }

    /// <summary>The dictionary at other sites that are as wide as its own.</summary>
    private static IEnumerable<CheckReading> Sites(SparseDictionary dictionary, GemmaConfig config, IEnumerable<Site> places)
    {
        var (read, written) = (dictionary.InputSites, dictionary.OutputSites);
        if (read.Count > 1)
            return Substituted(dictionary, config);
        var reconstructs = read[0] == written[0];
        var readings = places
            .Where(site => Same(site) != Same(read[0]) && config.Has(site) && config.SiteWidth(site) == dictionary.InputWidth)
            .DistinctBy(Same)
            .SelectMany(site =>
                reconstructs ? [Reading(site, site)]
                : site.Kind != read[0].Kind ? (CheckReading[])[Reading(site, written[0])]
                // A transcoder of another layer writes there too.
                : written[0].Layer + (site.Layer - read[0].Layer) is >= 0 and var layer && config.Has(new Site(written[0].Kind, layer))
                    ? [Reading(site, new Site(written[0].Kind, layer))]
                : []
            );
        return reconstructs
            ? readings
            : readings.Concat(
                Others(written[0].Kind)
                    .Select(kind => new Site(kind, written[0].Layer ?? 0))
                    .Where(site => config.SiteWidth(site) == dictionary.OutputWidth)
                    .Select(site => Reading(read[0], site))
            );

        CheckReading Reading(Site input, Site output) =>
            new(
                At([input])
                    + (
                        output == input || output == written[0] || input.Kind == read[0].Kind && input != read[0]
                            ? ""
                            : $", writing {output}"
                    ),
                input == read[0] ? DictionaryMismatch.Site : Cause(read[0], input),
                [input],
                [output]
            );
    }

    /// <summary>An SAE taken for a transcoder, and the reverse.</summary>
    private static IEnumerable<CheckReading> Forms(SparseDictionary dictionary, GemmaConfig config)
    {
        if (
            dictionary is not { InputSites: [{ Layer: { } layer } read], OutputSites: [var written] }
            || dictionary.InputWidth != dictionary.OutputWidth
        )
            return [];
        var places = Places(read == written ? Confused[0] : Kinds, [layer - 1, layer, layer + 1])
            .Where(site => config.Has(site) && config.SiteWidth(site) == dictionary.InputWidth);
        return read == written
            ? places.Select(site => Reading(site, Site.MlpOut(site.Layer!.Value), "predicting"))
            : places.DistinctBy(Same).Select(site => Reading(site, site, "reconstructing"));

        CheckReading Reading(Site input, Site output, string verb) =>
            new($"at {input}, {verb} {output},", input == read ? DictionaryMismatch.Site : Cause(read, input), [input], [output]);
    }

    /// <summary>A dictionary of several layers, all of which are read elsewhere.</summary>
    private static IEnumerable<CheckReading> Substituted(SparseDictionary dictionary, GemmaConfig config) =>
        from kind in Others(dictionary.InputSite.Kind).Concat(Stream.Contains(dictionary.InputSite.Kind) ? Stream : []).Distinct()
        where kind != dictionary.InputSite.Kind
        let inputs = (Site[])[.. dictionary.InputSites.Select(site => new Site(kind, site.Layer ?? 0))]
        where inputs.Select(config.SiteWidth).SequenceEqual(dictionary.InputSites.Select(config.SiteWidth))
        let reconstructs = dictionary.InputSites.SequenceEqual(dictionary.OutputSites)
        select new CheckReading(At(inputs), Cause(dictionary.InputSite, inputs[0]), inputs, reconstructs ? inputs : dictionary.OutputSites);

    /// <summary>Inputs of another scale: those that trainers bring their inputs to, and powers of two for what nobody thinks of.</summary>
    private static IEnumerable<CheckReading> Scales(SparseDictionary dictionary, double norm)
    {
        var root = Math.Sqrt(dictionary.InputWidth);
        (string, double)[] named =
        [
            ("with inputs of mean squared norm 1", 1 / norm),
            ("with inputs of mean norm √d", root / norm),
            ("with inputs divided by √d", 1 / root),
            ("with inputs multiplied by √d", root),
        ];
        var powers = Enumerable
            .Range(-10, 21)
            .Where(power => power != 0)
            .Select(power =>
                (
                    power > 0
                        ? string.Create(CultureInfo.InvariantCulture, $"with inputs multiplied by {1 << power}")
                        : string.Create(CultureInfo.InvariantCulture, $"with inputs divided by {1 << -power}"),
                    Math.Pow(2, power)
                )
            );
        foreach (var (name, factor) in named.Concat(powers))
            yield return Changed(dictionary, name, DictionaryMismatch.Scale, row => TensorPrimitives.Multiply(row, (float)factor, row));
        yield return Changed(
            dictionary,
            "with each input scaled to norm √d",
            DictionaryMismatch.Scale,
            row =>
            {
                if (TensorPrimitives.Norm<float>(row) is > 0 and var length)
                    TensorPrimitives.Multiply(row, (float)(root / length), row);
            }
        );
    }

    /// <summary>The gain of the norm at the site once more, or taken away.</summary>
    private static IEnumerable<CheckReading> Gains(SparseDictionary dictionary, GemmaModel model)
    {
        if (dictionary.InputSites.Count > 1)
            yield break;
        var (read, written) = (dictionary.InputSite, dictionary.OutputSite);
        if (Gain(model, read) is { } gain)
        {
            yield return Changed(dictionary, "with the norm's gain twice", DictionaryMismatch.Gain, row => Times(row, gain));
            yield return Changed(dictionary, "without the norm's gain", DictionaryMismatch.Gain, row => Over(row, gain));
        }
        if (read == written || Gain(model, written) is not { } after)
            yield break;
        var declared = Declared(dictionary);
        const string at = "against outputs";
        yield return declared with
        {
            Name = $"{at} with the norm's gain twice",
            Cause = DictionaryMismatch.Gain,
            Output = row => Times(row, after),
        };
        yield return declared with
        {
            Name = $"{at} without the norm's gain",
            Cause = DictionaryMismatch.Gain,
            Output = row => Over(row, after),
        };

        static void Times(Span<float> row, float[] gain) => TensorPrimitives.Multiply(row, gain, row);

        static void Over(Span<float> row, float[] gain) => TensorPrimitives.Divide(row, gain, row);
    }

    private static float[]? Gain(GemmaModel model, Site site)
    {
        if (site.Layer is not { } layer)
            return null;
        var weights = model.Weights.Layers[layer];
        return site.Kind switch
        {
            SiteKind.AttnIn => weights.InputGain,
            SiteKind.AttnOut => weights.PostAttentionGain,
            SiteKind.MlpIn => weights.PreMlpGain,
            SiteKind.MlpOut => weights.PostMlpGain,
            _ => null,
        };
    }

    /// <summary>b_dec subtracted from the input, or added where it already is.</summary>
    private static IEnumerable<CheckReading> Biases(SparseDictionary dictionary)
    {
        if (
            dictionary is not LayerDictionary { Weights: var weights }
            || dictionary.InputSite != dictionary.OutputSite
            || weights.Scaling.Factor is not { } factor
        )
            yield break;
        var bias = weights.Bias.Select(one => one / factor).ToArray();
        yield return Declared(dictionary) with
        {
            Name = weights.SubtractsBias ? "without b_dec subtracted first" : "with b_dec subtracted first",
            Cause = DictionaryMismatch.Bias,
            Input = weights.SubtractsBias ? row => TensorPrimitives.Add(row, bias, row) : row => TensorPrimitives.Subtract(row, bias, row),
        };
    }

    /// <summary>The declared sites with changed rows; where a dictionary reconstructs what it reads, that changes alike.</summary>
    private static CheckReading Changed(SparseDictionary dictionary, string name, DictionaryMismatch cause, RowChange change) =>
        Declared(dictionary) with
        {
            Name = name,
            Cause = cause,
            Input = change,
            Output = dictionary.InputSites.SequenceEqual(dictionary.OutputSites) ? change : null,
        };

    private static IEnumerable<Site> Places(SiteKind[] kinds, int[] layers) =>
        from layer in layers
        where layer >= 0
        from kind in kinds
        select new Site(kind, layer);

    private static IEnumerable<SiteKind> Others(SiteKind kind) =>
        Confused.Where(row => row.Contains(kind)).SelectMany(row => row).Distinct().Where(other => other != kind);

    private static DictionaryMismatch Cause(Site declared, Site other) =>
        declared.Kind == other.Kind ? DictionaryMismatch.Layer
        : declared.Layer == other.Layer && IsGainApart(declared.Kind, other.Kind) ? DictionaryMismatch.Gain
        : DictionaryMismatch.Site;

    private static bool IsGainApart(SiteKind one, SiteKind other) =>
        (one, other)
            is
                (SiteKind.Ln1Normalized, SiteKind.AttnIn)
                or
                (SiteKind.AttnIn, SiteKind.Ln1Normalized)
                or
                (SiteKind.Ln2Normalized, SiteKind.MlpIn)
                or
                (SiteKind.MlpIn, SiteKind.Ln2Normalized);

    /// <summary>One site for those that hold the same numbers: what enters a layer is what left the one before.</summary>
    private static Site Same(Site site) =>
        site.Kind == SiteKind.Embed ? Site.ResidPre(0)
        : site is { Kind: SiteKind.ResidPre, Layer: > 0 and var layer } ? Site.ResidPost(layer - 1)
        : site;

    /// <summary>How far along the stream a place is: two steps a layer.</summary>
    private static int Place(Site site) =>
        2 * (site.Layer ?? 0)
        + (
            site.Kind == SiteKind.ResidMid ? 1
            : site.Kind == SiteKind.ResidPost ? 2
            : 0
        );

    private static string At(IReadOnlyList<Site> sites) =>
        sites is [var only] ? $"at {only}" : $"at {sites[0].ToString().Split('.')[0]} of {sites.Count} layers";
}
