using GemmaScope.Circuits;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>A graph with the transcoders and the replacement model that it is made of; what the jobs on circuits begin with.</summary>
internal sealed class OpenedCircuit : IDisposable
{
    private readonly TranscoderSet _set;

    private OpenedCircuit(TranscoderSet set, ReplacementModel model, AttributionGraph graph) => (_set, Model, Graph) = (set, model, graph);

    public ReplacementModel Model { get; }

    public AttributionGraph Graph { get; }

    public static async Task<OpenedCircuit> OpenAsync(
        Microscope microscope,
        CircuitJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        options.Check();
        var tokens = Tokens(microscope, options);
        progress.NoteWrittenBos(tokens, microscope.Model.Tokenizer.BosId);
        var set = await TranscoderLocator.OpenAsync(options, microscope, progress, cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => Compute(microscope, options, tokens, set, progress, cancellationToken), CancellationToken.None)
                .ConfigureAwait(false);
        }
        catch
        {
            set.Dispose();
            throw;
        }
    }

    /// <summary>How the graph is named where it is exchanged.</summary>
    public GraphNaming Naming(Microscope microscope, CircuitJobOptions options)
    {
        var tokenizer = microscope.Model.Tokenizer;
        var scan = Path.GetFileName(microscope.ModelName.TrimEnd('/', '\\'));
        var settings = new Dictionary<string, double> { ["max_feature_nodes"] = options.Budget };
        if (options.Targets.Count == 0)
            (settings["max_n_logits"], settings["desired_logit_prob"]) = (options.Logits, options.Mass);
        return new()
        {
            Slug = Slug(scan, options.Text),
            Scan = scan,
            TokenText = tokenizer.Display,
            Transcoders = [.. Model.Transcoders.Dictionaries.Select(one => one.Name)],
            Settings = settings,
        };
    }

    public void Dispose()
    {
        Graph.Dispose();
        Model.Dispose();
        _set.Dispose();
    }

    private static OpenedCircuit Compute(
        Microscope microscope,
        CircuitJobOptions options,
        int[] tokens,
        TranscoderSet set,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        progress.Stage("encoding");
        var model = ReplacementModel.Of(microscope.Model, set, tokens, options.ZeroPositions, cancellationToken: cancellationToken);
        try
        {
            var targets = CircuitTargets.Of(options, model, microscope.Model.Tokenizer, progress);
            var rows = progress is null ? null : new RowReports(progress);
            var graph = AttributionGraph.Compute(model, targets, new() { MaxFeatures = options.Budget }, rows, cancellationToken);
            if (!graph.IsComplete)
                progress.Note(
                    $"this graph is not complete: contributions and biases miss the values by up to {graph.RelativeIdentityError:0.0e0}, where "
                        + $"{AttributionGraph.IdentityTolerance:0.0e0} is allowed; do not rely on it"
                );
            return new(set, model, graph);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static int[] Tokens(Microscope microscope, CircuitJobOptions options)
    {
        var tokens = microscope.Model.Tokenizer.Encode(options.Text, options.AddBos);
        if (tokens.Length > microscope.Model.Config.MaxPositions)
            throw new ContextLengthException(
                $"has {tokens.Length} tokens, more than this model's context of {microscope.Model.Config.MaxPositions}; shorten it",
                "text"
            );
        return tokens;
    }

    /// <summary>A name for addresses: the model and the first words.</summary>
    private static string Slug(string scan, string text)
    {
        var words = string.Concat(text.ToLowerInvariant().Select(one => char.IsAsciiLetterOrDigit(one) ? one : ' '))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Take(8);
        return string.Join('-', words.Prepend(scan));
    }

    // Progress<T> would report late, from another thread.
    private sealed class RowReports(IProgress<JobReport> progress) : IProgress<AttributionProgress>
    {
        public void Report(AttributionProgress value) => progress.Report(new JobStage("tracing", value.Rows, value.Total, "rows"));
    }
}
