using System.Diagnostics;
using System.Globalization;
using GemmaScope.Lenses;
using GemmaScope.Numerics;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="LensTuneJob"/> does.</summary>
public sealed record LensTuneJobOptions
{
    /// <summary>What <see cref="TextDocuments"/> reads.</summary>
    public required IReadOnlyList<string> Text { get; init; }

    /// <summary>How the texts are read.</summary>
    public TextReading Reading { get; init; } = new();

    /// <summary>The lens that is written (.safetensors).</summary>
    public required string Out { get; init; }

    /// <summary>How it is trained.</summary>
    public TunedFitOptions Fit { get; init; } = new();

    /// <summary>Tokens of a step.</summary>
    public int TokensPerStep { get; init; } = 2048;

    /// <summary>Tokens of a window.</summary>
    public int MaxSeqLen { get; init; } = 128;

    /// <summary>Windows at the start of the texts that are not trained on, but measured before and after.</summary>
    public int HeldOut { get; init; } = 16;

    /// <summary>Whether the file may be replaced.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Refuses what cannot be.</summary>
    /// <exception cref="GemmaScopeException">An option is out of range, or the file cannot be written.</exception>
    public void Check()
    {
        Fit.Check();
        Reading.Check();
        if (TokensPerStep < 2)
            throw new ArgumentProblemException("must be 2 or more", new Setting(nameof(TokensPerStep)));
        if (MaxSeqLen < 2)
            throw new ArgumentProblemException("must be 2 or more", new Setting(nameof(MaxSeqLen)));
        if (HeldOut < 1)
            throw new ArgumentProblemException("must be 1 or more", new Setting(nameof(HeldOut)));
        LensFile.Check(Out, Overwrite);
    }
}

/// <summary>A layer of a tuned lens before and after.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="KlBefore">KL(model ‖ logit lens) in nats on the held-out windows.</param>
/// <param name="Kl">The same of the tuned lens.</param>
/// <param name="AgreementBefore">How often the logit lens's likeliest token is the model's.</param>
/// <param name="Agreement">The same of the tuned lens.</param>
public sealed record TunedLayer(int Layer, double KlBefore, double Kl, double AgreementBefore, double Agreement);

/// <summary>A lens that was tuned.</summary>
public sealed record LensTuneResult
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>The file.</summary>
    public required string File { get; init; }

    /// <summary>Steps taken.</summary>
    public required int Steps { get; init; }

    /// <summary>Tokens trained on.</summary>
    public required long Tokens { get; init; }

    /// <summary>Seconds.</summary>
    public required double Seconds { get; init; }

    /// <summary>Of each layer what it became on windows that were not trained on.</summary>
    public required IReadOnlyList<TunedLayer> Layers { get; init; }
}

/// <summary>Trains a tuned lens on texts.</summary>
public static class LensTuneJob
{
    /// <summary>Trains.</summary>
    /// <param name="microscope">The model.</param>
    /// <param name="options">Texts and file.</param>
    /// <param name="progress">Told how many steps are done.</param>
    /// <param name="cancellationToken">Stops; nothing is kept.</param>
    /// <exception cref="GemmaScopeException">An option cannot be used, the texts are too short, or a file cannot be read or
    /// written.</exception>
    public static Task<LensTuneResult> RunAsync(
        Microscope microscope,
        LensTuneJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(microscope);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        return Task.Run(() => Run(microscope, options, progress, cancellationToken), CancellationToken.None);
    }

    private static LensTuneResult Run(
        Microscope microscope,
        LensTuneJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var model = microscope.Model;
        var length = Math.Min(options.MaxSeqLen, model.Config.MaxPositions);
        var corpus = new TextCorpus(options.Text, options.Reading);
        using var fit = new TunedFit(model, options.Fit);
        using var windows = Endless(corpus, model.Tokenizer, length, () => model.ChatTemplate, options.HeldOut).GetEnumerator();
        var clock = Stopwatch.StartNew();
        progress.Stage("measuring the logit lens");
        int[][] heldOut = [.. corpus.Windows(model.Tokenizer, length, () => model.ChatTemplate).Take(options.HeldOut)];
        var (klBefore, agreementBefore) = Measure(fit, heldOut, cancellationToken);
        var counting = progress.Counting("training the lens", "steps", options.Fit.Steps);
        for (var step = 0; step < options.Fit.Steps; step++)
        {
            List<int[]> batch = [];
            while (batch.Sum(one => one.Length) < options.TokensPerStep && windows.MoveNext())
                batch.Add(windows.Current);
            if (batch.Count == 0)
                throw new ArgumentProblemException(
                    $"has no more than the {options.HeldOut} windows that are held out; give more text",
                    new Setting(nameof(options.Text))
                );
            fit.Train(batch, cancellationToken);
            counting?.Report(step + 1);
        }
        progress.NoteOn(corpus.Skipped);
        var (kl, agreement) = Measure(fit, heldOut, cancellationToken);
        using var lens = fit.ToLens(
            new()
            {
                Model = microscope.ModelName,
                Settings = new Dictionary<string, string>
                {
                    ["steps"] = options.Fit.Steps.ToString(CultureInfo.InvariantCulture),
                    ["tokens"] = fit.Tokens.ToString(CultureInfo.InvariantCulture),
                    ["learning_rate"] = options.Fit.LearningRate.ToString(CultureInfo.InvariantCulture),
                    ["text"] = string.Join(", ", options.Text.Select(path => Path.GetFileName(path.TrimEnd('/', '\\')))),
                    ["d_model"] = model.Config.Width.ToString(CultureInfo.InvariantCulture),
                },
            }
        );
        LensFile.Write(options.Out, lens, DType.F32, options.Overwrite);
        return new()
        {
            Model = microscope.ModelName,
            File = options.Out,
            Steps = options.Fit.Steps,
            Tokens = fit.Tokens,
            Seconds = clock.Elapsed.TotalSeconds,
            Layers = [.. lens.Layers.Select((layer, i) => new TunedLayer(layer, klBefore[i], kl[i], agreementBefore[i], agreement[i]))],
        };
    }

    private static (double[] Kl, double[] Agreement) Measure(TunedFit fit, int[][] windows, CancellationToken cancellationToken)
    {
        if (windows.Length == 0)
            throw new ArgumentProblemException("has no text", new Setting(nameof(LensTuneJobOptions.Text)));
        var each = windows.Select(window => (window.Length, fit.Measure([window], cancellationToken))).ToArray();
        double total = each.Sum(one => one.Length);
        return (Mean(one => one.Losses), Mean(one => one.Agreement));

        double[] Mean(Func<(double[] Losses, double[] Agreement), double[]> part) =>
            [.. part(each[0].Item2).Select((_, layer) => each.Sum(one => one.Length / total * part(one.Item2)[layer]))];
    }

    /// <summary>The windows behind those held out, again and again.</summary>
    private static IEnumerable<int[]> Endless(TextCorpus corpus, Tokenizer tokenizer, int length, Func<ChatTemplate> chat, int heldOut)
    {
        while (true)
        {
            var any = false;
            foreach (var window in corpus.Windows(tokenizer, length, chat).Skip(heldOut))
            {
                any = true;
                yield return window;
            }
            if (!any)
                yield break;
        }
    }
}
