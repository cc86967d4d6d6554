using System.Text.Json;
using GemmaScope.Circuits;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>A graph with the prompt that it is made of; what the jobs on graphs begin with.</summary>
internal sealed class OpenedCircuit : IDisposable
{
    private readonly OpenedReplacement _prompt;

    private OpenedCircuit(OpenedReplacement prompt, AttributionGraph graph) => (_prompt, Graph) = (prompt, graph);

    public ReplacementModel Model => _prompt.Model;

    public AttributionGraph Graph { get; }

    public static async Task<OpenedCircuit> OpenAsync(
        Microscope microscope,
        CircuitJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken,
        IReadOnlyList<CircuitTarget>? targets = null,
        bool keepsRows = false
    )
    {
        var prompt = await OpenedReplacement.OpenAsync(microscope, options, progress, cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(
                    () => Compute(microscope, options, targets, keepsRows, prompt, progress, cancellationToken),
                    CancellationToken.None
                )
                .ConfigureAwait(false);
        }
        catch
        {
            prompt.Dispose();
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
        var labels = TranscoderLabels.Of(
            Model.Transcoders,
            options.Known,
            microscope.ModelName,
            Model.Features.Select(one => (one.Layer, one.Feature))
        );
        return new()
        {
            Label = one => labels.GetValueOrDefault((one.Layer, one.Feature)),
            Slug = Slug(scan, options.Text),
            Scan = scan,
            TokenText = tokenizer.Display,
            Transcoders = [.. Model.Transcoders.Dictionaries.Select(one => one.Name)],
            Settings = settings,
            Info = new Dictionary<string, JsonElement> { [GraphOrigin.Field] = GraphOrigin.Element(microscope, options, Model) },
        };
    }

    public void Dispose()
    {
        Graph.Dispose();
        _prompt.Dispose();
    }

    private static OpenedCircuit Compute(
        Microscope microscope,
        CircuitJobOptions options,
        IReadOnlyList<CircuitTarget>? targets,
        bool keepsRows,
        OpenedReplacement prompt,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        targets ??= CircuitTargets.Of(options, prompt.Model, microscope.Model.Tokenizer, progress);
        var rows = progress is null ? null : new RowReports(progress, options.RowsFile);
        var graph = AttributionGraph.Compute(
            prompt.Model,
            targets,
            new()
            {
                MaxFeatures = options.Budget,
                WorkFolder = options.WorkFolder,
                RowsFile = keepsRows ? options.RowsFile : null,
                Overwrite = options.Overwrite,
            },
            rows,
            cancellationToken
        );
        if (!graph.IsComplete)
            progress.Note(
                $"this graph is not complete: contributions and biases miss the values by up to {graph.RelativeIdentityError:0.0e0}, where "
                    + $"{AttributionGraph.IdentityTolerance:0.0e0} is allowed; do not rely on it"
            );
        return new(prompt, graph);
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
    private sealed class RowReports(IProgress<JobReport> progress, string? file) : IProgress<AttributionProgress>
    {
        private bool _said;

        public void Report(AttributionProgress value)
        {
            if (!_said && value.Resumed > 0 && (value.Rows > value.Resumed || value.Rows == value.Total))
            {
                _said = true;
                progress.Note($"goes on with {value.Resumed} of {value.Total} rows, which an earlier run kept in {file}");
            }
            progress.Report(new JobStage("tracing", value.Rows, value.Total, "rows", value.Resumed));
        }
    }
}
