using GemmaScope.Evaluation;
using GemmaScope.Lenses;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="LensScoreJob"/> does.</summary>
public sealed record LensScoreJobOptions
{
    /// <summary>What <see cref="TextDocuments"/> reads; best what no lens was fitted on.</summary>
    public required IReadOnlyList<string> Text { get; init; }

    /// <summary>How the texts are read.</summary>
    public TextReading Reading { get; init; } = new();

    /// <summary>Windows that are read.</summary>
    public int Prompts { get; init; } = 32;

    /// <summary>Tokens of a window.</summary>
    public int MaxSeqLen { get; init; } = 128;

    /// <summary>Windows at the start of the texts that are passed over.</summary>
    public int Skip { get; init; }

    /// <summary>Seed of intervals and of the shuffled control.</summary>
    public int Seed { get; init; } = 16;

    /// <summary>Refuses what cannot be.</summary>
    /// <exception cref="ArgumentProblemException">An option is out of range.</exception>
    public void Check()
    {
        Reading.Check();
        if (Prompts < 1)
            throw new ArgumentProblemException("must be 1 or more", new Setting(nameof(Prompts)));
        if (MaxSeqLen < 2)
            throw new ArgumentProblemException("must be 2 or more", new Setting(nameof(MaxSeqLen)));
        if (Skip < 0)
            throw new ArgumentProblemException("must be 0 or more", new Setting(nameof(Skip)));
    }
}

/// <summary>How near a lens's reading after a layer is to what the model says, with intervals over windows.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Agreement">How often its likeliest word is the model's.</param>
/// <param name="Kl">KL(model ‖ lens) in nats.</param>
/// <param name="Next">How often its likeliest word is the text's next one.</param>
/// <param name="Later">How often its likeliest word stands among the ten tokens that follow in the text.</param>
public sealed record ScoredLayer(int Layer, MeanEstimate Agreement, MeanEstimate Kl, MeanEstimate Next, MeanEstimate Later);

/// <summary>A lens with its layers.</summary>
/// <param name="Lens">What it is.</param>
/// <param name="File">Its file, or null.</param>
/// <param name="IsControl">Whether it is the shuffled one.</param>
/// <param name="Layers">Layer by layer.</param>
public sealed record ScoredLens(string Lens, string? File, bool IsControl, IReadOnlyList<ScoredLayer> Layers);

/// <summary>Lenses beside each other on the same text.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Windows">Windows read.</param>
/// <param name="Tokens">Positions that counted; BOS and the last of a window do not.</param>
/// <param name="Lenses">The lenses, each followed by its control.</param>
public sealed record LensScoreResult(string Model, int Windows, int Tokens, IReadOnlyList<ScoredLens> Lenses);

/// <summary>Measures lenses on text: agreement with the model, KL, and agreement with what comes next and later, each beside the same lens
/// with shuffled dimensions.</summary>
public static class LensScoreJob
{
    private const int LaterTokens = 10;

    /// <summary>Measures.</summary>
    /// <param name="microscope">The model.</param>
    /// <param name="lenses">The lenses.</param>
    /// <param name="options">The texts.</param>
    /// <param name="progress">Told how many windows are read.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="GemmaScopeException">An option cannot be used, there is no text, or a lens is of another model.</exception>
    public static Task<LensScoreResult> RunAsync(
        Microscope microscope,
        IReadOnlyList<Lens> lenses,
        LensScoreJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(microscope);
        ArgumentNullException.ThrowIfNull(lenses);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        return Task.Run(() => Run(microscope, lenses, options, progress, cancellationToken), CancellationToken.None);
    }

    private static LensScoreResult Run(
        Microscope microscope,
        IReadOnlyList<Lens> lenses,
        LensScoreJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var model = microscope.Model;
        var length = Math.Min(options.MaxSeqLen, model.Config.MaxPositions);
        var corpus = new TextCorpus(options.Text, options.Reading);
        int[][] windows =
        [
            .. corpus
                .Windows(model.Tokenizer, length, () => model.ChatTemplate)
                .Skip(options.Skip)
                .Where(window => window.Length > 2)
                .Take(options.Prompts),
        ];
        if (windows.Length == 0)
            throw new ArgumentProblemException("has no window to read", new Setting(nameof(options.Text)));
        progress.NoteOn(corpus.Skipped);
        (Lens Lens, bool IsControl)[] all =
        [
            .. lenses.SelectMany(lens => ((Lens, bool)[])[(lens, false), (new ShuffledLens(lens, model.Config.Width, options.Seed), true)]),
        ];
        foreach (var note in lenses.SelectMany(lens => LensChoice.Notes(lens, model, microscope.ModelName)))
            progress.Note(note);
        var counting = progress.Counting("reading through lenses", "windows", windows.Length);
        var scores = all.Select(_ => new Dictionary<int, List<Means>>()).ToArray();
        foreach (var (number, window) in windows.Index())
        {
            foreach (var (i, one) in all.Index())
            {
                var reading = LensReading.Read(model, one.Lens, window, top: 1, cancellationToken: cancellationToken);
                foreach (var layer in reading.Layers.SkipLast(1))
                {
                    if (!scores[i].TryGetValue(layer, out var list))
                        scores[i][layer] = list = [];
                    list.Add(Means.Of(reading, layer, window));
                }
            }
            counting?.Report(number + 1);
        }
        return new(
            microscope.ModelName,
            windows.Length,
            windows.Sum(window => window.Length - 2),
            [
                .. all.Select(
                    (one, i) =>
                        new ScoredLens(
                            one.Lens.Kind,
                            one.Lens.Origin.File,
                            one.IsControl,
                            [
                                .. scores[i]
                                    .OrderBy(layer => layer.Key)
                                    .Select(layer => new ScoredLayer(
                                        layer.Key,
                                        Mean(layer.Value.Select(mean => mean.Agreement)),
                                        Mean(layer.Value.Select(mean => mean.Kl)),
                                        Mean(layer.Value.Select(mean => mean.Next)),
                                        Mean(layer.Value.Select(mean => mean.Later))
                                    )),
                            ]
                        )
                ),
            ]
        );

        MeanEstimate Mean(IEnumerable<double> values) => MeanEstimate.Of([.. values], seed: options.Seed)!;
    }

    /// <summary>The means of a window, without BOS and the last position.</summary>
    private readonly record struct Means(double Agreement, double Kl, double Next, double Later)
    {
        public static Means Of(LensReading reading, int layer, int[] window)
        {
            var cells = reading.Row(layer).Skip(1).SkipLast(1).ToArray();
            return new(
                cells.Average(cell => cell.AnswerRank == 0 ? 1.0 : 0),
                cells.Average(cell => cell.Kl),
                cells.Average(cell => cell.Top[0].Token == window[cell.Position + 1] ? 1.0 : 0),
                cells.Average(cell => window.Skip(cell.Position + 1).Take(LaterTokens).Contains(cell.Top[0].Token) ? 1.0 : 0)
            );
        }
    }
}
