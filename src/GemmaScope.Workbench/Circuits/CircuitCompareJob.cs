using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CircuitCompareJob"/> does.</summary>
public sealed record CircuitCompareJobOptions
{
    /// <summary>The first prompt, and what both share: transcoders, targets and budget.</summary>
    public required CircuitJobOptions Circuit { get; init; }

    /// <summary>The second prompt.</summary>
    public required string Other { get; init; }

    /// <summary>Nodes of each list, from 0.</summary>
    public int Top { get; init; } = 10;

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A number is out of range, or the prompts are the same.</exception>
    public void Check()
    {
        Circuit.Check();
        if (Other.Length == 0)
            throw new ArgumentProblemException("the text is empty; give at least one character", new Setting(nameof(Other)));
        if (Other == Circuit.Text)
            throw new ArgumentProblemException("is the same text as the first; there is nothing to compare", new Setting(nameof(Other)));
        if (Top < 0)
            throw new ArgumentProblemException($"is {Top}; it must be 0 or more", new Setting(nameof(Top)));
    }
}

/// <summary>Says in what the graphs of two prompts differ.</summary>
public static class CircuitCompareJob
{
    /// <summary>Computes both graphs and compares them.</summary>
    /// <param name="microscope">The model; dictionaries of it are not used.</param>
    /// <param name="options">The prompts, the transcoders, and what is explained.</param>
    /// <param name="progress">Told how many rows are done.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="GemmaScopeException">As of <see cref="CircuitJob.RunAsync"/>.</exception>
    public static async Task<CircuitCompareResult> RunAsync(
        Microscope microscope,
        CircuitCompareJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        using var first = await OpenedCircuit.OpenAsync(microscope, options.Circuit, progress, cancellationToken).ConfigureAwait(false);
        // Likeliest tokens differ from text to text, and influence is influence on something: both graphs explain the same.
        using var second = await OpenedCircuit
            .OpenAsync(
                microscope,
                options.Circuit with
                {
                    Text = options.Other,
                },
                // What was chosen and what is missing has been said.
                progress is null
                    ? null
                    : new WithoutNotes(progress),
                cancellationToken,
                first.Graph.Targets
            )
            .ConfigureAwait(false);
        return await Task.Run(() => Compare(microscope, options, first, second), CancellationToken.None).ConfigureAwait(false);
    }

    private static CircuitCompareResult Compare(
        Microscope microscope,
        CircuitCompareJobOptions options,
        OpenedCircuit first,
        OpenedCircuit second
    )
    {
        var tokenizer = microscope.Model.Tokenizer;
        var compared = new ComparedGraphs(first.Graph, second.Graph, tokenizer);
        return new(
            microscope.ModelName,
            [.. first.Model.Transcoders.Dictionaries.Select(one => one.Name)],
            Prompt(first.Graph),
            Prompt(second.Graph),
            [
                .. first.Graph.Targets.Select(
                    (target, i) =>
                        new ComparedTarget(
                            target.Name,
                            first.Graph.Value(first.Graph.FirstTarget + i),
                            second.Graph.Value(second.Graph.FirstTarget + i)
                        )
                ),
            ],
            compared.SharedFeatures,
            compared.OnlyFirst.Count,
            compared.OnlySecond.Count,
            [.. compared.OnlyFirst.Take(options.Top)],
            [.. compared.OnlySecond.Take(options.Top)],
            [.. compared.ByInfluence().Take(options.Top)],
            [.. compared.ByActivation().Take(options.Top)]
        );

        ComparedPrompt Prompt(AttributionGraph graph) =>
            new(
                [.. graph.Model.Prompt.Select(tokenizer.Display)],
                graph.Model.Features.Count,
                graph.ReplacementScore,
                graph.CompletenessScore,
                graph.IsComplete
            );
    }

    private sealed class WithoutNotes(IProgress<JobReport> progress) : IProgress<JobReport>
    {
        public void Report(JobReport value)
        {
            if (value is not JobNote)
                progress.Report(value);
        }
    }
}
