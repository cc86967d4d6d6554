using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Models;

public class BatchGenerationTests
{
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.9)]
    public void texts_of_a_batch_are_those_that_are_written_alone(double temperature)
    {
        using var model = GemmaModel.Load(Fixtures.Path("evaluation", "refusal", "model"));
        int[][] prompts =
        [
            [2, 5, 9, 20],
            [2, 7],
            [2, 11, 12, 13, 14, 15, 16],
            [2, 30, 31],
        ];
        var options = new GenerationOptions
        {
            MaxNewTokens = 6,
            Temperature = temperature,
            Seed = 3,
        };
        var alone = prompts.Select((prompt, i) => model.Generate(prompt, options with { Seed = 3 + i }).ToArray()).ToArray();
        Assert.Equal(alone, model.GenerateMany(prompts, options, together: 2));
        Assert.Equal(alone, model.GenerateMany(prompts, options));
    }

    [Fact]
    public void a_text_ends_at_an_end_token_or_writes_nothing()
    {
        using var model = GemmaModel.Load(Fixtures.Path("evaluation", "refusal", "model"));
        var first = model.Generate([2, 5], new GenerationOptions { MaxNewTokens = 1, Temperature = 0 }).Single();
        var greedy = new GenerationOptions { Temperature = 0, StopTokens = [first] };
        Assert.Empty(
            model.GenerateMany(
                [
                    [2, 5],
                ],
                greedy
            )[0]
        );
        Assert.Empty(
            model.GenerateMany(
                [
                    [2, 5],
                ],
                greedy with
                {
                    MaxNewTokens = 0,
                }
            )[0]
        );
        Assert.Empty(model.GenerateMany([], greedy));
        Assert.Throws<ArgumentProblemException>(() =>
            model.GenerateMany(
                [
                    [2],
                ],
                greedy,
                together: 0
            )
        );
    }
}
