using GemmaScope.Behaviour.Verbalising;
using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>Descriptions of vectors, and how much of the vectors came back from them.</summary>
public sealed record VerbaliseResult
{
    /// <summary>The model that was read; null where vectors came from files.</summary>
    public string? Model { get; init; }

    /// <summary>The model that described them.</summary>
    public required string Verbaliser { get; init; }

    /// <summary>The layer behind which vectors were read, or that the verbaliser learned with.</summary>
    public int? Layer { get; init; }

    /// <summary>The length that vectors were brought to; null where they went in as they were.</summary>
    public double? Scale { get; init; }

    /// <summary>A row for each vector.</summary>
    public required IReadOnlyList<VerbalisedItem> Items { get; init; }

    /// <summary>Mean cosine of vectors and what was made of their descriptions; null without a reconstructor.</summary>
    public MeanEstimate? RoundTrip { get; init; }

    /// <summary>The same with another vector's description.</summary>
    public MeanEstimate? Others { get; init; }

    /// <summary>The same with the description of the vector's own numbers in another order.</summary>
    public MeanEstimate? Shuffled { get; init; }

    /// <summary>Mean cosine of vectors and the mean direction of the others.</summary>
    public MeanEstimate? MeanDirection { get; init; }

    /// <summary>Share of the variance of directions that descriptions explain.</summary>
    public double? Explained { get; init; }

    /// <summary>What this does not show, a sentence each.</summary>
    public required IReadOnlyList<string> NotShown { get; init; }

    internal static VerbaliseResult Of(
        Microscope? microscope,
        Microscope verbaliser,
        NlaMetadata metadata,
        int? layer,
        VerbaliseJobOptions options,
        IReadOnlyList<VerbalisedVector> vectors,
        IReadOnlyList<Verbalisation> described,
        RoundTrip? own,
        RoundTrip? shuffled
    )
    {
        MeanEstimate? Mean(IReadOnlyList<double>? values) =>
            values is null ? null : MeanEstimate.Of(values, options.Resamples, options.Seed);
        static double? At(IReadOnlyList<double>? values, int place) => values?.Count > place ? values[place] : null;
        return new()
        {
            Model = options.Text is null ? null : microscope?.ModelName,
            Verbaliser = verbaliser.ModelName,
            Layer = layer,
            Scale = options.Scale ?? metadata.InjectionScale,
            Items =
            [
                .. vectors.Select(
                    (vector, i) =>
                        new VerbalisedItem(
                            vector.Source,
                            vector.Position,
                            vector.Token,
                            described[i].Text,
                            described[i].IsMarked,
                            described[vectors.Count + i].Text,
                            At(own?.Cosines, i),
                            At(own?.Others, i),
                            At(shuffled?.Cosines, i),
                            At(own?.Means, i)
                        )
                ),
            ],
            RoundTrip = Mean(own?.Cosines),
            Others = Mean(own?.Others),
            Shuffled = Mean(shuffled?.Cosines),
            MeanDirection = Mean(own?.Means),
            Explained = own?.Explained,
            NotShown = Limits(own, vectors.Count, described.Take(vectors.Count).Any(one => !one.IsMarked)),
        };
    }

    private static List<string> Limits(RoundTrip? own, int count, bool isUnmarked)
    {
        List<string> lines =
        [
            "That a description is true: a verbaliser writes fluent text for any vector, the shuffled one too. It is evidence only as far as the "
                + "vector comes back from it better than from the controls.",
        ];
        if (own is null)
            lines.Add("Whether anything of a vector is in its description: no reconstructor was named.");
        else
            lines.Add("What of the vector came back, and through which words: the cosine is one number for all of it.");
        if (own is not null && count < 20)
            lines.Add($"How other vectors fare: {count} were described, and the mean direction of the others rests on as few.");
        if (isUnmarked)
            lines.Add("What the model would have said in its own form: some descriptions have no marks around them.");
        return lines;
    }
}

/// <summary>A vector and its description.</summary>
/// <param name="Source">"text", or the file it comes from.</param>
/// <param name="Position">Its token's position.</param>
/// <param name="Token">Its token.</param>
/// <param name="Description">The description.</param>
/// <param name="IsMarked">Whether it has the marks that the verbaliser learned to put around it.</param>
/// <param name="ShuffledDescription">What was written for the vector's numbers in another order.</param>
/// <param name="Cosine">Of the vector and what was made of its description.</param>
/// <param name="OtherCosine">Of the vector and what was made of another's description.</param>
/// <param name="ShuffledCosine">Of the vector and what was made of the shuffled one's description.</param>
/// <param name="MeanCosine">Of the vector and the mean direction of the others.</param>
public sealed record VerbalisedItem(
    string Source,
    int? Position,
    string? Token,
    string Description,
    bool IsMarked,
    string ShuffledDescription,
    double? Cosine,
    double? OtherCosine,
    double? ShuffledCosine,
    double? MeanCosine
);
