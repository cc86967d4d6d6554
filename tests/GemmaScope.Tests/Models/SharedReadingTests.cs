using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Models;

public class SharedReadingTests
{
    [Fact]
    public void sequences_that_begin_alike_are_read_as_they_are_alone()
    {
        using var model = GemmaModel.Load(Fixtures.Path("evaluation", "refusal", "model"));
        int[] text = [2, .. Enumerable.Range(0, 30).Select(i => 5 + i * 3 % 40)];
        int[][] sequences =
        [
            text,
            text[..10],
            [.. text[..10], 7, 8],
            [.. text[..10], 7, 9],
            [2, 30],
            text[..10],
            [.. text[..20], 4],
            [11, 12],
        ];
        var read = new float[sequences.Length][];
        model.ReadNext(sequences, (i, logits) => read[i] = logits.ToArray());
        for (var i = 0; i < sequences.Length; i++)
        {
            using var run = model.Run(sequences[i], logits: LogitRows.Last);
            var alone = run.LastLogits().ToArray();
            Assert.All(alone.Zip(read[i]), one => Assert.Equal(one.First, one.Second, 1e-3f));
        }
        model.ReadNext([], (_, _) => Assert.Fail("nothing to read"));
        Assert.Throws<ArgumentProblemException>(() =>
            model.ReadNext(
                [
                    [],
                ],
                (_, _) => { }
            )
        );
    }

    [Fact]
    public void many_samples_of_one_prompt_are_those_of_each_alone()
    {
        using var model = GemmaModel.Load(Fixtures.Path("evaluation", "refusal", "model"));
        int[] prompt = [2, .. Enumerable.Range(0, 24).Select(i => 5 + i * 7 % 40)];
        var options = new GenerationOptions
        {
            MaxNewTokens = 6,
            Temperature = 0.9,
            TopP = 0.95,
        };
        int[] seeds = [9, 4, 7, 4, 1];
        int[][] prompts = [prompt, prompt, [.. prompt, 6], prompt, [2, 5]];
        var alone = prompts.Zip(seeds, (one, seed) => model.Generate(one, options with { Seed = seed }).ToArray()).ToArray();
        Assert.Equal(alone, model.GenerateMany(prompts, seeds, options));
        Assert.Equal(alone, model.GenerateMany(prompts, seeds, options, together: 2));
        Assert.Equal(alone[1], alone[3]);
        Assert.Throws<ArgumentProblemException>(() => model.GenerateMany(prompts, [1], options));
    }
}
