using GemmaScope.Behaviour;
using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Models;

namespace GemmaScope.Bench;

/// <summary>What the measurements of a study cost beside plain runs of the same tokens: a study that takes much longer than its tokens need
/// has wasted the rest.</summary>
internal sealed class StudyBenchmark()
    : Benchmark("study", "readings of a study with a direction taken out everywhere, and plain runs of the same tokens")
{
    private const int Prompts = 8,
        PromptTokens = 16,
        ReplyTokens = 6;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        using var model = setup.Load(setup.MainModel);
        var config = model.Config;
        int[][] prompts = [.. Enumerable.Repeat(BenchSetup.Tokens(config, PromptTokens), Prompts)];
        using var vector = setup.Weights.Matrix(Numerics.DType.F32, 1, config.Width, 1, 0);
        var direction = vector.Row(0).ToArray();
        var ablated = DirectionEdits.AblateWritten(config, direction);
        int[] noStop = [];

        const int Read = Prompts * PromptTokens;
        var reading = setup.Race(
            new Contestant(Read, () => model.Run(prompts, logits: LogitRows.Last).Dispose()),
            new Contestant(Read, () => NextTokens.Of(model, prompts)),
            new Contestant(Read, () => NextTokens.Of(model, prompts, ablated)),
            new Contestant(Read, () => PromptResiduals.Read(model, prompts)),
            new Contestant(Read, () => Knowledge(model, prompts))
        );
        yield return Against("first tokens", reading[1], reading[0], "plain prefill");
        yield return Against("first tokens, direction taken out", reading[2], reading[0], "plain prefill");
        yield return Against("residuals of all layers", reading[3], reading[0], "plain prefill");
        yield return Against("three points of all layers, and answers", reading[4], reading[0], "plain prefill");

        const int Written = Prompts * ReplyTokens;
        Contestant Replies(IReadOnlyList<Edit> edits) =>
            new(
                Written,
                () =>
                    model.GenerateMany(
                        prompts,
                        new GenerationOptions
                        {
                            MaxNewTokens = ReplyTokens,
                            Temperature = 0,
                            Edits = edits,
                            StopTokens = noStop,
                        },
                        Prompts
                    )
            );
        var writing = setup.Race(Replies([]), Replies(ablated));
        yield return Against("replies, direction taken out", writing[1], writing[0], "plain batched generation");
    }

    /// <summary>What a study of knowledge reads of a statement: its last token, the mean over it, where the answer begins, and the answer.</summary>
    private static void Knowledge(GemmaModel model, int[][] prompts)
    {
        IReadOnlyList<Positions> points = [Positions.At(PromptTokens - 4), new(8, PromptTokens - 3), Positions.At(PromptTokens - 1)];
        var words = YesNo.Of([10, 11], [12, 13]);
        var answers = new YesNoAnswer[prompts.Length];
        ResidualReadings.Read(
            model,
            prompts,
            [.. prompts.Select(_ => points)],
            ResidualReadings.Layers(model.Config),
            (prompt, logits) => answers[prompt] = words.Read(logits)
        );
    }

    private static Figure Against(string name, double[] study, double[] plain, string of) =>
        Figure.Against(name, study, "tokens/s", 1, of, plain, 0.9);
}
