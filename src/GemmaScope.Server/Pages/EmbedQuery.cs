namespace GemmaScope.Server.Pages;

/// <summary>What of a feature's page is wanted.</summary>
internal sealed record FeatureViewOptions
{
    /// <summary>Whether examples are whole passages.</summary>
    public bool Whole { get; init; }

    /// <summary>Whether the page stands in a frame.</summary>
    public bool Embed { get; init; }

    /// <summary>Its labels and the user's note.</summary>
    public bool Explanation { get; init; } = true;

    /// <summary>Figures, words and histograms.</summary>
    public bool Plots { get; init; } = true;

    /// <summary>What tries a text.</summary>
    public bool Test { get; init; } = true;

    /// <summary>The field in which a text is typed; without it a text of the address is tried.</summary>
    public bool TestField { get; init; } = true;

    /// <summary>Whether there are examples.</summary>
    public bool Examples { get; init; } = true;

    /// <summary>The link to the whole page.</summary>
    public bool Link { get; init; } = true;

    /// <summary>The interval of activations that the examples are from; −1 for the strongest.</summary>
    public int Interval { get; init; } = -1;

    /// <summary>A text that was tried, which the links to other examples keep.</summary>
    public string? Tested { get; init; }

    /// <summary>Height of the frame.</summary>
    public int? Height { get; init; }

    /// <summary>The parameters that bring the same frame again.</summary>
    public IReadOnlyList<(string Name, string? Value)> Kept { get; init; } = [];
}

/// <summary>
/// The parameters of a frame, which are Neuronpedia's and read as it reads them: the frame is asked for by "true", and each part is there
/// unless it is
/// switched off by "false". All are ignored where no frame is asked for.
/// </summary>
/// <param name="Embed">Whether the page stands in a frame.</param>
/// <param name="Embedexplanation">The label.</param>
/// <param name="Embedplots">Figures, words and histograms.</param>
/// <param name="Embedtest">The field in which a text is tried, and what was found.</param>
/// <param name="Embedtestfield">The field; without it, what <paramref name="Defaulttesttext"/> gives is shown.</param>
/// <param name="Embedactivations">The examples.</param>
/// <param name="Embedlink">The link to the page.</param>
/// <param name="Defaulttesttext">A text that is tried as long as no other one is typed.</param>
/// <param name="Height">Height of the frame.</param>
internal sealed record EmbedQuery(
    string? Embed,
    string? Embedexplanation,
    string? Embedplots,
    string? Embedtest,
    string? Embedtestfield,
    string? Embedactivations,
    string? Embedlink,
    string? Defaulttesttext,
    string? Height
)
{
    private const int SmallestHeight = 100,
        LargestHeight = 4000;

    public FeatureViewOptions Options =>
        Embed != "true"
            ? new()
            : new()
            {
                Embed = true,
                Explanation = Embedexplanation != "false",
                Plots = Embedplots != "false",
                Test = Embedtest != "false",
                TestField = Embedtestfield != "false",
                Examples = Embedactivations != "false",
                Link = Embedlink != "false",
                Height = int.TryParse(Height, out var pixels) ? Math.Clamp(pixels, SmallestHeight, LargestHeight) : null,
                Kept =
                [
                    ("embed", Embed),
                    ("embedexplanation", Embedexplanation),
                    ("embedplots", Embedplots),
                    ("embedtest", Embedtest),
                    ("embedtestfield", Embedtestfield),
                    ("embedactivations", Embedactivations),
                    ("embedlink", Embedlink),
                    ("defaulttesttext", Defaulttesttext),
                    ("height", Height),
                ],
            };
}
