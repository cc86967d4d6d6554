using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Workbench;

namespace GemmaScope.Bench;

/// <summary>What a study of chains of thought takes beside the plain generation of its chains and the plain reading of its answers.</summary>
internal sealed class StudyCotBenchmark()
    : Benchmark("study-cot", "a study of chains of thought, and plain batched generation and reading of the same tokens")
{
    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var folder = Directory.CreateTempSubdirectory("gemmascope-bench-").FullName;
        try
        {
            using var microscope = Microscope
                .OpenAsync(new() { Model = MicroscopeOptions.DemoChat, Use = DictionaryUse.None }, cancellationToken: setup.Cancellation)
                .GetAwaiter()
                .GetResult();
            var (questions, samples, tokens) = setup.Options.Quick ? (2, 2, 8) : (16, 8, 48);
            var file = Path.Combine(folder, "questions.jsonl");
            File.WriteAllLines(
                file,
                Enumerable
                    .Range(0, questions)
                    .Select(i =>
                        $$"""{"question": "Which of these is number {{i}} of a list?", "options": ["a stone", "a bird", "the sea", "a house"], "answer": "A"}"""
                    )
            );
            CotStudyJobOptions options = new()
            {
                Out = Path.Combine(folder, "out"),
                Restart = true,
                Questions = file,
                Parts = [CotPart.Early],
                Samples = samples,
                MaxTokens = tokens,
                Resamples = 10,
            };
            CotModel model = new(microscope.Model, options, setup.Cancellation);
            var asked = model.Ask(CotQuestion.Read(file, null, null), null);
            int[][] prompts = [.. asked.SelectMany(one => Enumerable.Repeat(one.Before, samples))];
            int[] seeds = [.. asked.SelectMany(one => Enumerable.Range(0, samples).Select(i => model.Seed(one, $"chain {i}")))];
            var read = Sequences(model, asked, prompts, seeds, options);
            var rates = setup.Race(
                new Contestant(
                    prompts.Length,
                    () => CotStudyJob.RunAsync(microscope, options, cancellationToken: setup.Cancellation).GetAwaiter().GetResult()
                ),
                new Contestant(
                    prompts.Length,
                    () =>
                    {
                        microscope.Model.GenerateMany(
                            prompts,
                            seeds,
                            options.Sampling(microscope.Model),
                            cancellationToken: setup.Cancellation
                        );
                        NextTokens.Of(microscope.Model, read, cancellationToken: setup.Cancellation);
                    }
                )
            );
            yield return Figure.Against("chains of a study", rates[0], "chains/s", 1, "the same tokens, plainly", rates[1], 0.9);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>All that the study reads answers behind.</summary>
    private static int[][] Sequences(
        CotModel model,
        IReadOnlyList<CotAsked> asked,
        int[][] prompts,
        int[] seeds,
        CotStudyJobOptions options
    )
    {
        var written = model
            .Model.GenerateMany(prompts, seeds, options.Sampling(model.Model))
            .Select(model.Chain)
            .Chunk(options.Samples)
            .ToArray();
        CotControls controls = new(model, asked, written);
        return
        [
            .. asked.Select(one => one.Without),
            .. written.SelectMany(
                (chains, q) =>
                    chains.SelectMany(
                        (chain, c) =>
                            new[] { chain, controls.Shuffled(q, c), controls.Random(q, c, chain) }
                                .OfType<CotChain>()
                                .SelectMany(cut => Enumerable.Range(0, cut.Sentences).Select(cut.First).Append(cut.Ids))
                                .Select(ids => model.Ids(new(asked[q], ids)))
                    )
            ),
        ];
    }
}
