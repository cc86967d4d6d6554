using System.Diagnostics;
using System.Numerics;
using System.Numerics.Tensors;
using GemmaScope.Activations;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// Trains one dictionary, or several on one reading of the data. It saves itself now and then and goes on from there when it is opened
/// again: a run that was killed and taken up ends with the same files as one that was not.
/// </summary>
public sealed class TrainingRun : IDisposable
{
    private readonly IActivationSource _source;
    private readonly FileLock _lock;
    private readonly string _file;
    private readonly Dictionary<string, double> _scales;
    private readonly RunSettings _settings;
    private readonly int _batch;

    private readonly HeldOutRows? _heldOut;
    private readonly long? _measured;

    private TrainingRun(
        IReadOnlyList<TrainingConfiguration> configurations,
        IActivationSource source,
        string folder,
        IActivationSource? heldOut
    )
    {
        (_source, _file) = (source, Path.Combine(folder, RunCheckpoint.FileName));
        (_settings, _batch, TotalSteps) = (configurations[0].Run, configurations[0].Batch, configurations[0].TotalSteps);
        if (configurations.Any(one => one.Batch != _batch || one.TotalSteps != TotalSteps || one.Run != _settings))
            throw new ArgumentProblemException("differ, but dictionaries that are trained together need the same", "batch, steps or run");
        var evaluation = configurations[0].Evaluation;
        _measured = evaluation.EverySteps;
        if (configurations.Any(one => one.Evaluation.EverySteps != _measured))
            throw new ArgumentProblemException("differs between dictionaries that are trained together", "evaluation.every_steps");
        if (_measured is not null && heldOut is null)
            throw new ArgumentProblemException("needs rows that are held out", "evaluation.every_steps");
        _scales = source.Sites.ToDictionary(site => site.ToString(), source.Scale);
        foreach (var (site, scale) in _scales)
            if (!(scale > 0 && double.IsFinite(scale)))
                throw new ArgumentProblemException($"has the scale {scale}: its activations are all zero, or not finite", site);
        if (_measured is not null)
            _heldOut = new HeldOutRows(heldOut!, evaluation.Rows, _scales);
        Members = [.. configurations.Select(one => new TrainingMember(one, source))];
        _lock = FileLock.Take(Path.Combine(folder, "run.lock"), folder, "the run");
    }

    /// <summary>The dictionaries.</summary>
    public IReadOnlyList<TrainingMember> Members { get; }

    /// <summary>Steps done.</summary>
    public long Step { get; private set; }

    /// <summary>Steps of the whole run.</summary>
    public long TotalSteps { get; }

    /// <summary>Whether it goes on from a checkpoint.</summary>
    public bool IsResumed { get; private set; }

    /// <summary>Begins a run, or takes it up where its checkpoint says.</summary>
    /// <param name="configurations">What is trained; of the same batch, steps and run settings. Each writes metrics and configuration into
    /// its own output folder.</param>
    /// <param name="source">A source of all their sites, from its start. It remains the caller's.</param>
    /// <param name="folder">The folder of the checkpoint; for a single dictionary its output folder.</param>
    /// <param name="restart">Whether a checkpoint that is there is left aside.</param>
    /// <param name="heldOut">Where rows that are not trained on are taken from, once, at the place where it is; needed if <see
    /// cref="HeldOutSettings.EverySteps"/> asks for them. It remains the caller's.</param>
    /// <exception cref="GemmaScopeException">The checkpoint is of another configuration or other data, the message names the key; or the
    /// folder cannot be written.</exception>
    public static TrainingRun Open(
        IReadOnlyList<TrainingConfiguration> configurations,
        IActivationSource source,
        string folder,
        bool restart = false,
        IActivationSource? heldOut = null
    )
    {
        using var checkpoint = OpenCheckpoint(folder, restart);
        var before = checkpoint is null ? null : RunCheckpoint.Read(checkpoint);
        var run = new TrainingRun(
            [.. configurations.Select((one, i) => one.Explicit(before?.Members.ElementAtOrDefault(i)?.Settings))],
            source,
            folder,
            heldOut
        );
        try
        {
            if (checkpoint is not null)
                run.Resume(checkpoint, before!);
            else
                run.Begin();
            return run;
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    /// <summary>Trains to the end. A cancelled run writes a checkpoint first.</summary>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellationToken">Ends the run between two steps.</param>
    /// <exception cref="OperationCanceledException">The run was cancelled; opening it again goes on.</exception>
    /// <exception cref="GemmaScopeException">No dictionary is left that can be trained on; the last checkpoint stays.</exception>
    public void Run(IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using var batch = new ActivationBatch(_source, _batch);
        var clock = new RunClock(Step);
        var saved = Stopwatch.StartNew();
        try
        {
            while (Step < TotalSteps)
            {
                cancellationToken.ThrowIfCancellationRequested();
                clock.Load(() => _source.Read(batch, cancellationToken));
                var spreads = Normalise(batch);
                Train(batch, spreads);
                Step++;
                RequireSomeone();
                if (IsMeasured)
                    foreach (var member in Members)
                        member.Measure(_heldOut!);
                if (IsLogged || IsMeasured)
                    Log(clock);
                progress?.Report(new(Step, TotalSteps, Step * _batch, clock.Steps(Step) * _batch, clock.Loading));
                if (
                    saved.Elapsed.TotalMinutes < _settings.CheckpointMinutes
                    && (_settings.CheckpointSteps is not { } every || Step % every != 0)
                )
                    continue;
                Save();
                saved.Restart();
            }
        }
        catch (OperationCanceledException)
        {
            Save();
            throw;
        }
        Save();
    }

    /// <summary>Frees the trainers, and the folder for other runs.</summary>
    public void Dispose()
    {
        foreach (var member in Members)
            member.Dispose();
        _heldOut?.Dispose();
        _lock.Dispose();
    }

    // Early on something is to be seen at once.
    private bool IsLogged =>
        Step % _settings.LogSteps == 0 || Step == TotalSteps || (Step < _settings.LogSteps && BitOperations.IsPow2(Step));

    private bool IsMeasured => _measured is { } every && (Step % every == 0 || Step == TotalSteps);

    private void Begin()
    {
        foreach (var member in Members)
        {
            member.Begin();
            member.Metrics = MetricsLog.Open(member.Configuration.Output, 0, new Dictionary<string, double>());
            WriteRecipe(member.Configuration);
        }
        if (File.Exists(_file))
            File.Delete(_file);
    }

    private static SafetensorsFile? OpenCheckpoint(string folder, bool restart)
    {
        var file = Path.Combine(folder, RunCheckpoint.FileName);
        return !restart && File.Exists(file) ? SafetensorsFile.Open(file) : null;
    }

    private void Resume(SafetensorsFile file, RunCheckpoint checkpoint)
    {
        if (checkpoint.Members.Count != Members.Count)
            throw new ArgumentProblemException(
                $"is of {checkpoint.Members.Count} dictionaries, not {Members.Count}",
                _file,
                remedy: RunSettingNames.BeginAnew
            );
        foreach (var (member, state) in Members.Zip(checkpoint.Members))
            RequireSame(member.Configuration, state.Settings);
        foreach (var (site, scale) in _scales)
            if (checkpoint.Scales.GetValueOrDefault(site) != scale)
                throw new ArgumentProblemException(
                    $"has changed since the run began: the scale of {site} is {scale:g6}, "
                        + $"it was {checkpoint.Scales.GetValueOrDefault(site):g6}",
                    "data",
                    remedy: new Remedy($"give the same data, or begin anew with {RunSettingNames.Restart}")
                );
        foreach (var (member, state) in Members.Zip(checkpoint.Members))
        {
            member.Metrics = MetricsLog.Open(member.Configuration.Output, state.MetricsLength, state.Sums);
            (member.SkippedBatches, member.Failure) = (state.Skipped, state.Failure);
            WriteRecipe(member.Configuration);
        }
        RunCheckpoint.Restore(file, Members);
        _source.Seek(checkpoint.Position);
        (Step, IsResumed) = (checkpoint.Step, true);
    }

    private void RequireSame(TrainingConfiguration configuration, IReadOnlyDictionary<string, string> before)
    {
        var changed = Settings
            .Differences(before, configuration)
            .FirstOrDefault(difference => !MayChange.Any(key => difference.StartsWith(key, StringComparison.Ordinal)));
        if (changed is not null)
            throw new ArgumentProblemException(
                $"was made with another setting: {changed}",
                _file,
                remedy: new Remedy(
                    $"give the same, another {new Setting(nameof(configuration.Output))}, or begin anew with {RunSettingNames.Restart}"
                )
            );
    }

    /// <summary>What may be another when a run goes on: a longer run, other places and other reports learn the same.</summary>
    private static readonly string[] MayChange =
    [
        "tokens:",
        "steps:",
        "output:",
        "form:",
        "run.",
        "evaluation.",
        "data.model:",
        "data.skip_bad_rows:",
        "data.longest_line:",
    ];

    private static void WriteRecipe(TrainingConfiguration configuration) =>
        AtomicFile.Write(
            Path.Combine(configuration.Output, TrainingConfiguration.FileName),
            stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(configuration.ToYaml())),
            overwrite: true
        );

    private void Log(RunClock clock)
    {
        var (rate, loading) = clock.Interval(Step);
        foreach (var member in Members)
            member.Log(rate * _batch, loading);
    }

    /// <summary>A step of every dictionary: one on each core where there are enough of them, else one after the other on all
    /// cores.</summary>
    private void Train(ActivationBatch batch, Dictionary<Site, double> spreads)
    {
        if (Members.Count >= Workers.Count)
            Workers.For(Members.Count, new TrainJob(Members, batch, spreads));
        else
            foreach (var member in Members)
                member.Train(batch, spreads);
    }

    private void Save()
    {
        if (Members.All(member => member.Failure is not null))
            return;
        RunCheckpoint.Save(_file, Step, _source.Position, _scales, Members);
    }

    private void RequireSomeone()
    {
        if (Members.FirstOrDefault(member => member.Failure is null) is not null)
            return;
        var kept = File.Exists(_file) ? $" The checkpoint before it stays: {_file}" : "";
        throw new ArgumentProblemException(
            $"{Members[0].Failure} (non_finite: skip leaves such batches out; "
                + $"a lower learning rate or longer warm-up helps where the loss grew).{kept}",
            Members[0].Configuration.Output
        );
    }

    /// <summary>Divides the rows of each site by its scale (METHODS §2.3) and sums up their spread.</summary>
    private Dictionary<Site, double> Normalise(ActivationBatch batch)
    {
        var spreads = new Dictionary<Site, double>();
        foreach (var site in _source.Sites)
        {
            var (rows, scale, squares) = (batch[site], (float)_scales[site.ToString()], 0.0);
            var sum = new float[rows.Columns];
            for (var i = 0; i < rows.Rows; i++)
            {
                var row = rows.Row(i);
                TensorPrimitives.Divide(row, scale, row);
                TensorPrimitives.Add(sum, row, sum);
                squares += TensorPrimitives.SumOfSquares<float>(row);
            }
            spreads[site] = squares - TensorPrimitives.SumOfSquares<float>(sum) / (double)rows.Rows;
        }
        return spreads;
    }

    private readonly struct TrainJob(IReadOnlyList<TrainingMember> members, ActivationBatch batch, Dictionary<Site, double> spreads) : IJob
    {
        public void Run(int index) => members[index].Train(batch, spreads);
    }
}
