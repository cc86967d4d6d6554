using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Serialization;
using GemmaScope.Files;
using GemmaScope.Lenses;
using GemmaScope.Numerics;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="LensFitJob"/> does.</summary>
public sealed record LensFitJobOptions
{
    /// <summary>What <see cref="TextDocuments"/> reads.</summary>
    public required IReadOnlyList<string> Text { get; init; }

    /// <summary>How the texts are read.</summary>
    public TextReading Reading { get; init; } = new();

    /// <summary>The lens that is written (.safetensors).</summary>
    public required string Out { get; init; }

    /// <summary>Prompts at most, of all parts together: windows of <see cref="JacobianFitOptions.MaxSeqLen"/> tokens.</summary>
    public int Prompts { get; init; } = 300;

    /// <summary>What is fitted.</summary>
    public JacobianFitOptions Fit { get; init; } = new();

    /// <summary>Ends the fit when the mean of the last ten changes is below it, after <see cref="FewestPrompts"/> prompts; null to read
    /// all prompts.</summary>
    public double? StopBelow { get; init; }

    /// <summary>Prompts before a fit may end early.</summary>
    public const int FewestPrompts = 100;

    /// <summary>Which part of the prompts is read, from 0; each machine fits one, and the lenses are merged.</summary>
    public int Part { get; init; }

    /// <summary>Number of parts.</summary>
    public int Parts { get; init; } = 1;

    /// <summary>The stored type: F32, BF16 or F16. Lenses that are to be merged are best F32.</summary>
    public DType Type { get; init; } = DType.F32;

    /// <summary>Whether the file may be replaced.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Whether an interrupted fit of that name is thrown away instead of continued.</summary>
    public bool Restart { get; init; }

    /// <summary>Refuses what cannot be.</summary>
    /// <exception cref="GemmaScopeException">An option is out of range, or the file cannot be written.</exception>
    public void Check()
    {
        if (Prompts < 1)
            throw new ArgumentProblemException("must be 1 or more", new Setting(nameof(Prompts)));
        if (Parts < 1 || Part < 0 || Part >= Parts)
            throw new ArgumentProblemException($"is no part of {Parts}", new Setting(nameof(Part)));
        if (StopBelow is { } below && !(below > 0))
            throw new ArgumentProblemException("must be above 0", new Setting(nameof(StopBelow)));
        Reading.Check();
        LensFile.Check(Out, Overwrite);
    }
}

/// <summary>A lens that was fitted or merged.</summary>
public sealed record LensFitResult
{
    /// <summary>The model's name.</summary>
    public string? Model { get; init; }

    /// <summary>The file.</summary>
    public required string File { get; init; }

    /// <summary>Prompts it is the mean of.</summary>
    public required int Prompts { get; init; }

    /// <summary>Prompts that were too short.</summary>
    public int Skipped { get; init; }

    /// <summary>Positions that counted.</summary>
    public long Positions { get; init; }

    /// <summary>The layers it has.</summary>
    public required IReadOnlyList<int> Layers { get; init; }

    /// <summary>Seconds that this run took.</summary>
    public double Seconds { get; init; }

    /// <summary>Tokens of this run's prompts a second.</summary>
    public double TokensPerSecond { get; init; }

    /// <summary>By how much the last prompt moved the mean, relative to it.</summary>
    public double? Change { get; init; }

    /// <summary>‖J − I‖ / √d of the last layer.</summary>
    public double? IdentityDistance { get; init; }

    /// <summary>Of each prompt of this run by how much it moved the mean.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<double?>? Changes { get; init; }
}

/// <summary>Fits a Jacobian lens on texts. Interrupted, the same job goes on from the last checkpoint beside its file.</summary>
public static class LensFitJob
{
    /// <summary>Behind the name of the lens: where the fit is until it is done.</summary>
    public const string CheckpointEnding = ".fit";

    private const int RecentChanges = 10;

    private static readonly TimeSpan CheckpointEvery = TimeSpan.FromSeconds(30);

    /// <summary>Fits.</summary>
    /// <param name="microscope">The model.</param>
    /// <param name="options">Texts and file.</param>
    /// <param name="progress">Told how many prompts are done.</param>
    /// <param name="cancellationToken">Stops; what was done is kept beside the file.</param>
    /// <exception cref="GemmaScopeException">An option cannot be used, no prompt is long enough, or a file cannot be read or
    /// written.</exception>
    public static Task<LensFitResult> RunAsync(
        Microscope microscope,
        LensFitJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(microscope);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        options.Fit.Check(microscope.Model.Config);
        return Task.Run(() => Run(microscope, options, progress, cancellationToken), CancellationToken.None);
    }

    /// <summary>Merges lenses that were fitted on different prompts, weighted by their numbers.</summary>
    /// <param name="files">The lenses.</param>
    /// <param name="target">The file that is written.</param>
    /// <param name="type">Its stored type.</param>
    /// <param name="overwrite">Whether it may be replaced.</param>
    /// <exception cref="GemmaScopeException">A file cannot be read or written, or they do not belong together.</exception>
    public static LensFitResult Merge(IReadOnlyList<string> files, string target, DType type = DType.F32, bool overwrite = false)
    {
        ArgumentNullException.ThrowIfNull(files);
        LensFile.Check(target, overwrite);
        if (files.Select(Path.GetFullPath).Distinct().Count() != files.Count)
            throw new ArgumentProblemException("one file is named twice", new Setting("Merge"));
        List<JacobianLens> lenses = [];
        try
        {
            foreach (var file in files)
                lenses.Add(LensFile.ReadJacobian(file));
            using var merged = JacobianLens.Merge(lenses);
            LensFile.Write(target, merged, type, overwrite);
            return new()
            {
                Model = merged.Origin.Model,
                File = target,
                Prompts = merged.Origin.Prompts!.Value,
                Layers = [.. merged.Layers],
            };
        }
        finally
        {
            foreach (var lens in lenses)
                lens.Dispose();
        }
    }

    private static LensFitResult Run(
        Microscope microscope,
        LensFitJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var model = microscope.Model;
        var length = Math.Min(options.Fit.MaxSeqLen, model.Config.MaxPositions);
        using var fit = new JacobianFit(model, options.Fit with { MaxSeqLen = length });
        var checkpoint = new LensCheckpoint(options.Out + CheckpointEnding, Settings(microscope, options, fit.Options));
        using var held = FileLock.Take($"{options.Out}{CheckpointEnding}.lock", options.Out, "the lens");
        if (options.Restart)
            checkpoint.Delete();
        var next = checkpoint.Restore(fit);
        if (fit.Prompts > 0)
            progress.Note($"goes on after {fit.Prompts} prompts that were fitted before");
        var (before, positionsBefore) = (fit.Prompts, fit.Positions);
        var corpus = new TextCorpus(options.Text, options.Reading);
        var mine = (options.Prompts - options.Part + options.Parts - 1) / options.Parts;
        var counting = progress.Counting("fitting the lens", "prompts", mine, fit.Prompts + fit.Skipped);
        List<double?> changes = [];
        long tokens = 0;
        var clock = Stopwatch.StartNew();
        var saved = clock.Elapsed;
        var number = 0;
        try
        {
            foreach (var window in corpus.Windows(model.Tokenizer, length, () => model.ChatTemplate).Take(options.Prompts))
            {
                var at = number++;
                if (at < next || at % options.Parts != options.Part)
                    continue;
                cancellationToken.ThrowIfCancellationRequested();
                if (fit.Add(window, cancellationToken))
                {
                    changes.Add(fit.Progress!.Change);
                    tokens += window.Length;
                }
                next = at + 1;
                counting?.Report(fit.Prompts + fit.Skipped);
                if (IsSettled(options, fit, changes))
                {
                    progress.Note($"settled after {fit.Prompts} prompts");
                    break;
                }
                if (clock.Elapsed - saved < CheckpointEvery)
                    continue;
                checkpoint.Save(fit, next);
                saved = clock.Elapsed;
            }
        }
        catch (OperationCanceledException)
        {
            if (fit.Prompts > before)
                checkpoint.Save(fit, next);
            progress.Note("what was fitted is kept; the same fit goes on from there");
            throw;
        }
        progress.NoteOn(corpus.Skipped);
        if (number < options.Prompts && options.Parts == 1 && fit.Prompts > 0 && !IsSettled(options, fit, changes))
            progress.Note($"the texts have {number} prompts of {length} tokens, fewer than {options.Prompts}");
        using var lens = fit.ToLens(new() { Model = microscope.ModelName, Settings = Described(microscope, options, fit) });
        LensFile.Write(options.Out, lens, options.Type, options.Overwrite);
        checkpoint.Delete();
        var seconds = clock.Elapsed.TotalSeconds;
        return new()
        {
            Model = microscope.ModelName,
            File = options.Out,
            Prompts = fit.Prompts,
            Skipped = fit.Skipped,
            Positions = fit.Positions,
            Layers = [.. lens.Layers],
            Seconds = seconds,
            TokensPerSecond = tokens / seconds,
            Change = fit.Progress?.Change,
            IdentityDistance = fit.Progress?.IdentityDistance,
            Changes = changes,
        };
    }

    private static bool IsSettled(LensFitJobOptions options, JacobianFit fit, List<double?> changes) =>
        options.StopBelow is { } below
        && fit.Prompts >= LensFitJobOptions.FewestPrompts
        && changes.Count >= RecentChanges
        && changes.TakeLast(RecentChanges).Average() < below;

    /// <summary>All that decides about the numbers: a checkpoint of others is not taken up.</summary>
    private static Dictionary<string, string> Settings(Microscope microscope, LensFitJobOptions options, JacobianFitOptions fit) =>
        new(Meaning(microscope, fit))
        {
            ["model"] = microscope.ModelName,
            ["text"] = string.Join('\n', options.Text),
            ["reading"] = $"{options.Reading.TextColumn} {options.Reading.SkipBadRows} {options.Reading.SeparateDocuments}",
            ["layers"] = string.Join(',', fit.Layers ?? []),
            ["part"] = $"{options.Part}/{options.Parts}",
            ["arithmetic"] = $"{fit.Arithmetic ?? microscope.Model.Arithmetic}",
        };

    private static Dictionary<string, string> Meaning(Microscope microscope, JacobianFitOptions fit) =>
        new()
        {
            ["target_layer"] = Text(fit.Target(microscope.Model.Config)),
            ["skip_first"] = Text(fit.SkipFirst),
            ["max_seq_len"] = Text(fit.MaxSeqLen),
            ["keep_last"] = fit.KeepLast ? "true" : "false",
            ["paths"] = fit.Paths.ToString(),
            ["mean_over_pairs"] = fit.MeanOverPairs ? "true" : "false",
        };

    private static Dictionary<string, string> Described(Microscope microscope, LensFitJobOptions options, JacobianFit fit)
    {
        var settings = Meaning(microscope, fit.Options);
        settings["capture_point"] = "resid_post";
        settings["d_model"] = Text(microscope.Model.Config.Width);
        settings["text"] = string.Join(", ", options.Text.Select(path => Path.GetFileName(path.TrimEnd('/', '\\'))));
        settings["positions"] = fit.Positions.ToString(CultureInfo.InvariantCulture);
        settings["dtype"] = options.Type.ToString();
        if (fit.Progress?.Change is { } change)
            settings["last_change"] = change.ToString("g4", CultureInfo.InvariantCulture);
        return settings;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
