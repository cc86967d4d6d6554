using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CircuitPairsJob"/> does.</summary>
public sealed record CircuitPairsJobOptions
{
    /// <summary>The pairs.</summary>
    public required IReadOnlyList<MinimalPair> Pairs { get; init; }

    /// <summary>The transcoders, and the budget of each graph. What it says of a prompt and of targets is not used.</summary>
    public CircuitJobOptions Circuit { get; init; } = new() { Text = "" };

    /// <summary>Pairs of a case that are used at most, from 2.</summary>
    public int Most { get; init; } = 200;

    /// <summary>Features reported of each case, and turned off at most together, from 1.</summary>
    public int Top { get; init; } = 10;

    /// <summary>Draws of random features for each test, from 1.</summary>
    public int Draws { get; init; } = 5;

    /// <summary>Seed of the split and of the draws.</summary>
    public int Seed { get; init; }

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A number is out of range, or there is no pair.</exception>
    public void Check()
    {
        Circuit.Check();
        foreach (
            var (value, least, name) in ((int, int, string)[])[(Most, 2, nameof(Most)), (Top, 1, nameof(Top)), (Draws, 1, nameof(Draws))]
        )
            if (value < least)
                throw new ArgumentProblemException($"is {value}; it must be {least} or more", new Setting(name));
        if (Pairs.Count == 0)
            throw new ArgumentProblemException("there is no pair", new Setting(nameof(Pairs)));
    }
}

/// <summary>
/// Finds the features that decide between two answers, over many pairs of prompts, and proves them: half of the prompts say which features
/// they are, by their graphs; on the other half these are turned off, and as many random ones that fire at the same kind of place.
/// </summary>
public static class CircuitPairsJob
{
    /// <summary>Finds and tests.</summary>
    /// <param name="microscope">The model; dictionaries of it are not used.</param>
    /// <param name="options">The pairs and the transcoders.</param>
    /// <param name="progress">Told how many pairs are done.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="GemmaScopeException">A setting is out of range, an answer is not one token, or transcoders cannot be read or are of
    /// another model.</exception>
    public static async Task<CircuitPairsResult> RunAsync(
        Microscope microscope,
        CircuitPairsJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        var cases = options
            .Pairs.GroupBy(pair => pair.Case)
            .Select(group => (group.Key, Pairs: Read(microscope, [.. group], options)))
            .ToArray();
        using var set = await TranscoderLocator.OpenAsync(options.Circuit, microscope, progress, cancellationToken).ConfigureAwait(false);
        var counting = progress.Counting("tracing", "pairs", cases.Sum(one => one.Pairs.Count));
        var study = new PairStudy(microscope.Model, set, options, counting, cancellationToken);
        var found = await Task.Run(() => cases.Select(one => study.Of(one.Key, one.Pairs)).ToArray(), CancellationToken.None)
            .ConfigureAwait(false);
        var labels = TranscoderLabels.Of(
            set,
            options.Circuit.Known,
            microscope.ModelName,
            found.SelectMany(one => one.Features).Select(one => (one.Layer, one.Feature))
        );
        return new(
            microscope.ModelName,
            [.. set.Dictionaries.Select(one => one.Name)],
            [
                .. found.Select(one =>
                    one with
                    {
                        Features =
                        [
                            .. one.Features.Select(feature =>
                                feature with
                                {
                                    Label = labels.GetValueOrDefault((feature.Layer, feature.Feature)),
                                }
                            ),
                        ],
                    }
                ),
            ]
        );
    }

    /// <summary>The pairs in tokens; of more than are wanted a random choice.</summary>
    private static List<EncodedPair> Read(Microscope microscope, MinimalPair[] pairs, CircuitPairsJobOptions options)
    {
        if (pairs.Length > options.Most)
        {
            new Random(options.Seed).Shuffle(pairs);
            pairs = pairs[..options.Most];
        }
        return [.. pairs.Select(pair => EncodedPair.Of(pair, microscope.Model.Tokenizer))];
    }
}
