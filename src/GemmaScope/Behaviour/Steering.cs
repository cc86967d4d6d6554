using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;

namespace GemmaScope.Behaviour;

/// <summary>
/// Steering with features of dictionaries (METHODS §6.5): the edits that turn them up, down or off where the dictionaries write, which for
/// an attention dictionary is z
/// before o_proj and for a transcoder the MLP's output. In f32 like all edits.
/// </summary>
public static class Steering
{
    /// <summary>The modes by their names in commands and requests.</summary>
    public static IReadOnlyDictionary<string, SteeringMode> Modes { get; } =
        new Dictionary<string, SteeringMode>
        {
            ["add"] = SteeringMode.Add,
            ["add-unit"] = SteeringMode.AddUnit,
            ["clamp"] = SteeringMode.Clamp,
            ["ablate"] = SteeringMode.Ablate,
            ["directional"] = SteeringMode.Directional,
            ["everywhere"] = SteeringMode.Everywhere,
            ["orthogonal"] = SteeringMode.Orthogonal,
            ["cap"] = SteeringMode.Cap,
            ["norm-matched"] = SteeringMode.NormMatched,
        };

    /// <summary>The positions by their names in commands and requests.</summary>
    public static IReadOnlyDictionary<string, SteeredPositions> PositionNames { get; } =
        new Dictionary<string, SteeredPositions>
        {
            ["all"] = SteeredPositions.All,
            ["last"] = SteeredPositions.FromLast,
            ["new"] = SteeredPositions.Generated,
        };

    /// <summary>The name of a mode.</summary>
    public static string NameOf(SteeringMode mode) => Modes.First(one => one.Value == mode).Key;

    /// <summary>The name of positions.</summary>
    public static string NameOf(SteeredPositions positions) => PositionNames.First(one => one.Value == positions).Key;

    /// <summary>Whether a mode has a strength.</summary>
    public static bool HasStrength(SteeringMode mode) =>
        mode is not (SteeringMode.Ablate or SteeringMode.Directional or SteeringMode.Everywhere);

    /// <summary>The span of positions for a prompt: without its BOS unless asked for.</summary>
    /// <param name="positions">Which.</param>
    /// <param name="prompt">Token ids of the prompt.</param>
    /// <param name="bosId">The id of BOS.</param>
    /// <param name="includeBos">Whether BOS is steered too, with all other positions.</param>
    public static Positions Span(SteeredPositions positions, IReadOnlyList<int> prompt, int bosId, bool includeBos = false)
    {
        var first = prompt.Count > 0 && prompt[0] == bosId && !includeBos ? 1 : 0;
        return new(
            positions switch
            {
                SteeredPositions.Generated => prompt.Count,
                SteeredPositions.FromLast => Math.Max(first, prompt.Count - 1),
                _ => first,
            },
            int.MaxValue
        );
    }

    /// <summary>The edits that steer with some features together, each with its own strength.</summary>
    /// <param name="mode">How.</param>
    /// <param name="features">The features. Those of one dictionary are read before any of them is changed; dictionaries follow each other
    /// in the order given.</param>
    /// <param name="config">The model's configuration.</param>
    /// <param name="positions">At which positions; null for all but the first, which is usually BOS.</param>
    /// <exception cref="ArgumentProblemException">A feature does not exist, a dictionary is of another model or writes to several sites, a
    /// strength is not finite, or they do not go together.</exception>
    public static IReadOnlyList<Edit> Edits(
        SteeringMode mode,
        IReadOnlyList<SteeredFeature> features,
        GemmaConfig config,
        Positions? positions = null
    )
    {
        if (features.Count == 0)
            throw new ArgumentProblemException("there is none to steer with", "feature");
        foreach (var one in features)
            Check(one, mode, config);
        if (features.DistinctBy(one => (one.Dictionary, one.Feature)).Count() < features.Count)
            throw new ArgumentProblemException("one is named twice", "feature");
        var span = positions ?? new Positions(1, int.MaxValue);
        return
        [
            .. features
                .GroupBy(one => mode is SteeringMode.Clamp or SteeringMode.Ablate ? (object)one.Dictionary : one.Dictionary.OutputSite)
                .SelectMany(group => Together(mode, [.. group], config, span)),
        ];
    }

    /// <summary>The edits of features that act on one site.</summary>
    private static IEnumerable<Edit> Together(SteeringMode mode, SteeredFeature[] features, GemmaConfig config, Positions span)
    {
        var site = features[0].Dictionary.OutputSite;
        var vectors = Array.ConvertAll(features, Vector);
        ReadOnlyMemory<float>[] directions = [.. vectors];
        return mode switch
        {
            SteeringMode.Add => [Edit.Add(site, Sum(features, vectors), 1, span)],
            SteeringMode.AddUnit => [Edit.Add(site, Sum(features, Array.ConvertAll(vectors, Unit)), 1, span)],
            SteeringMode.NormMatched => [Edit.AddKeepingNorm(site, Sum(features, vectors), 1, span)],
            SteeringMode.Clamp or SteeringMode.Ablate => ClampEdit.Of(features, vectors, mode == SteeringMode.Ablate, span),
            SteeringMode.Directional => [Edit.ScaleWithin(site, directions, 0, span)],
            SteeringMode.Everywhere => ResidualSites(site, config).Select(at => Edit.ScaleWithin(at, directions, 0, span)),
            SteeringMode.Orthogonal => [Edit.ScaleWithin(site, directions, SameStrength(features), span)],
            SteeringMode.Cap => features.Zip(directions, (one, direction) => Edit.Cap(site, direction, (float)one.Strength, span)),
            _ => throw new ArgumentOutOfRangeException(nameof(mode)),
        };
    }

    /// <summary>Where the residual stream can receive a direction: block inputs, and what attention and MLPs add.</summary>
    private static IEnumerable<Site> ResidualSites(Site site, GemmaConfig config)
    {
        if (site.Kind is not (SiteKind.ResidPre or SiteKind.ResidMid or SiteKind.ResidPost or SiteKind.AttnOut or SiteKind.MlpOut))
            throw new ArgumentProblemException(
                $"is no direction of the residual stream, which alone can lose one everywhere; use directional",
                site.ToString()
            );
        return DirectionEdits.WrittenSites(config);
    }

    private static void Check(SteeredFeature one, SteeringMode mode, GemmaConfig config)
    {
        var dictionary = one.Dictionary;
        if (dictionary.InputSites.Count != 1 || dictionary.OutputSites.Count != 1)
            throw new ArgumentProblemException("writes to several sites; steering needs one that writes to one", dictionary.Name);
        if (!config.Has(dictionary.OutputSite) || config.SiteWidth(dictionary.OutputSite) != dictionary.OutputWidth)
            throw new ArgumentProblemException(
                $"writes {dictionary.OutputWidth} numbers to {dictionary.OutputSite}, which this model does not have; it belongs to another model",
                dictionary.Name
            );
        if ((uint)one.Feature >= (uint)dictionary.Width)
            throw new ArgumentProblemException(
                $"{one.Feature} is no feature of {dictionary.Name}, which has 0 to {dictionary.Width - 1}",
                "feature"
            );
        if (HasStrength(mode) && !float.IsFinite((float)one.Strength))
            throw new ArgumentProblemException($"is {one.Strength}; it must be a finite number", "strength");
    }

    private static float[] Vector(SteeredFeature one)
    {
        var vector = new float[one.Dictionary.OutputWidth];
        one.Dictionary.Decoder(one.Feature, vector);
        return vector;
    }

    private static float[] Unit(float[] vector) => OrthonormalBasis.Of([vector])[0];

    private static float[] Sum(SteeredFeature[] features, float[][] vectors)
    {
        var sum = new float[vectors[0].Length];
        foreach (var (one, vector) in features.Zip(vectors))
            TensorPrimitives.MultiplyAdd(vector, (float)one.Strength, sum, sum);
        return sum;
    }

    private static float SameStrength(SteeredFeature[] features) =>
        features.All(one => one.Strength == features[0].Strength)
            ? (float)features[0].Strength
            : throw new ArgumentProblemException(
                "orthogonal has one coefficient for the span of all features; give all the same",
                "strength"
            );
}
