using GemmaScope.Activations;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>One of the dictionaries that a <see cref="TrainingRun"/> trains on the same stream of data.</summary>
public sealed class TrainingMember : IDisposable
{
    private const double Dense = 0.1;

    private readonly double[] _inputScales,
        _outputScales;
    private readonly Tensor? _inputs,
        _outputs;
    private HeldOutFigures? _heldOut;

    internal TrainingMember(TrainingConfiguration configuration, IActivationSource source)
    {
        Configuration = configuration;
        configuration.RequireForm(site =>
            1 + configuration.AllSites.Select(source.Width).Distinct().Order().ToList().IndexOf(source.Width(site))
        );
        (_inputScales, _outputScales) = ([.. configuration.Sites.Select(source.Scale)], [.. configuration.Outputs.Select(source.Scale)]);
        var shape = configuration.Shape(source.Width);
        Trainer = DictionaryTrainer.Create(configuration.EffectiveRecipe, shape, unchecked((ulong)configuration.Seed));
        // Several layers are laid side by side; a single one is read where it lies.
        if (configuration.Sites.Count == 1)
            return;
        _inputs = Tensor.Uninitialized(configuration.Batch, shape.InputWidth);
        if (!configuration.Sites.SequenceEqual(configuration.Outputs))
            _outputs = Tensor.Uninitialized(configuration.Batch, shape.OutputWidth);
    }

    /// <summary>What is trained.</summary>
    public TrainingConfiguration Configuration { get; }

    /// <summary>The trainer.</summary>
    public DictionaryTrainer Trainer { get; }

    /// <summary>What the last step found; null before the first.</summary>
    public StepReport? Last { get; private set; }

    /// <summary>Why this dictionary is no longer trained, or null. The others of the run go on.</summary>
    public string? Failure { get; internal set; }

    /// <summary>Batches that were left out because their loss was not finite.</summary>
    public long SkippedBatches { get; internal set; }

    internal MetricsLog Metrics { get; set; } = null!;

    /// <summary>The dictionary learned so far, on the scale of the raw activations.</summary>
    public SparseDictionary ToDictionary(string name) =>
        Trainer.ToDictionary(name, _inputScales, _outputScales, Configuration.Sites, Configuration.Outputs);

    /// <summary>Frees the trainer and closes the metrics.</summary>
    public void Dispose()
    {
        Trainer.Dispose();
        Metrics?.Dispose();
        _inputs?.Dispose();
        _outputs?.Dispose();
    }

    /// <summary>Takes over the dictionaries that the training begins with, where there are any.</summary>
    internal void Begin()
    {
        var dictionaries = new List<SparseDictionary>();
        try
        {
            foreach (var name in Configuration.Start)
                dictionaries.Add(SparseDictionary.Load(name));
            if (dictionaries.Count > 0)
                Trainer.StartFrom(dictionaries, _inputScales, _outputScales);
        }
        finally
        {
            dictionaries.ForEach(dictionary => dictionary.Dispose());
        }
    }

    /// <summary>Measures what was learned so far; the next line of metrics says it.</summary>
    internal void Measure(HeldOutRows rows)
    {
        if (Failure is not null)
            return;
        using var dictionary = ToDictionary("held out");
        _heldOut = rows.Measure(dictionary);
    }

    /// <summary>One step on a batch whose rows are divided by their scales.</summary>
    /// <param name="batch">The rows of all sites.</param>
    /// <param name="spreads">Of each site Σ‖y − ȳ‖² of this batch.</param>
    internal void Train(ActivationBatch batch, IReadOnlyDictionary<Site, double> spreads)
    {
        if (Failure is not null)
            return;
        var x = Rows(batch, Configuration.Sites, _inputs);
        var y = Configuration.Sites.SequenceEqual(Configuration.Outputs) ? x : Rows(batch, Configuration.Outputs, _outputs);
        var step = Trainer.Step;
        try
        {
            if (step == 0 && SkippedBatches == 0 && Configuration.Start.Count == 0)
                Trainer.Prepare(y);
            Last = Trainer.Train(x, y);
        }
        catch (ArgumentProblemException problem)
        {
            if (Configuration.NonFinite == NonFiniteBatch.Skip && Trainer.Step == step)
                SkippedBatches++;
            else
                Failure = $"step {step}: {problem.Message}";
            return;
        }
        Metrics.Add(Last, Configuration.Outputs.Sum(site => spreads[site]));
    }

    /// <summary>Writes a line of metrics, where there was a step since the last.</summary>
    internal void Log(double tokensPerSecond, double loading)
    {
        if (Failure is null && Last is not null && Metrics.Sums.Count > 0)
            Metrics.Write(Last, Trainer.ShareFiringAbove(Dense), Trainer.Tokens, SkippedBatches, _heldOut, tokensPerSecond, loading);
        _heldOut = null;
    }

    private static MatrixView Rows(ActivationBatch batch, IReadOnlyList<Site> sites, Tensor? together)
    {
        if (together is null)
            return batch[sites[0]];
        batch.CopyBeside(sites, together.AsMatrix());
        return together.AsMatrix();
    }
}
