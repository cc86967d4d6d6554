using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Models;

public sealed class GenerationTests : IDisposable
{
    private static readonly int[] Prompt = [2, 8042, 7999, 7816];
    private readonly GemmaModel _demo = GemmaModel.Load(Fixtures.Model("demo-pt"));

    public void Dispose() => _demo.Dispose();

    private int[] Generate(GenerationOptions options) => [.. _demo.Generate(Prompt, options with { MaxNewTokens = 12, StopTokens = [] })];

    [Fact]
    public void the_same_seed_gives_the_same_tokens_and_another_seed_others()
    {
        var first = Generate(new() { Seed = 7 });
        Assert.Equal(first, Generate(new() { Seed = 7 }));
        Assert.NotEqual(first, Generate(new() { Seed = 8 }));
    }

    [Fact]
    public void sampling_among_one_candidate_is_greedy()
    {
        var greedy = Generate(new() { Temperature = 0 });
        Assert.Equal(greedy, Generate(new() { TopK = 1, Seed = 1 }));
        Assert.Equal(greedy, Generate(new() { TopP = 1e-9, Seed = 1 }));
        Assert.Equal(greedy, Generate(new() { Temperature = 1e-4, Seed = 1 }));
    }

    [Fact]
    public void a_generation_ends_at_a_stop_token_at_its_limit_and_at_the_context()
    {
        var greedy = Generate(new() { Temperature = 0 });
        var stop = greedy[5];
        Assert.Equal(
            greedy.TakeWhile(t => t != stop),
            _demo.Generate(
                Prompt,
                new()
                {
                    Temperature = 0,
                    MaxNewTokens = 12,
                    StopTokens = [stop],
                }
            )
        );
        Assert.Empty(_demo.Generate(Prompt, new() { MaxNewTokens = 0 }));
        int[] full = [2, .. Enumerable.Repeat(300, 509)];
        Assert.Equal(
            3,
            _demo
                .Generate(
                    full,
                    new()
                    {
                        Temperature = 0,
                        MaxNewTokens = 50,
                        StopTokens = [],
                    }
                )
                .Count()
        );
    }

    [Fact]
    public void a_kept_cache_continues_the_conversation()
    {
        using var cache = _demo.NewCache();
        var options = new GenerationOptions
        {
            Temperature = 0,
            MaxNewTokens = 6,
            StopTokens = [],
        };
        var first = _demo.Generate(Prompt, options, cache).ToArray();
        var second = _demo.Generate([first[^1]], options, cache).ToArray();
        Assert.Equal(_demo.Generate(Prompt, options with { MaxNewTokens = 12 }), [.. first, .. second]);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.6, 0)]
    [InlineData(1.1, 1)]
    public void each_time_a_token_stood_there_its_logit_is_lowered_by_the_frequency_penalty(double penalty, int chosen)
    {
        var sampler = new Sampler(new() { Temperature = 0, FrequencyPenalty = penalty }, 3);
        sampler.Saw([0, 0, 1]);
        // 3 − 2 p against 2 − p: the first wins below 1.
        Assert.Equal(chosen, sampler.Choose([3, 2, -9]));
    }

    [Fact]
    public void a_penalty_discourages_repetition()
    {
        var plain = _demo
            .Generate(
                Prompt,
                new()
                {
                    Temperature = 0,
                    MaxNewTokens = 40,
                    StopTokens = [],
                }
            )
            .Distinct()
            .Count();
        var penalised = _demo
            .Generate(
                Prompt,
                new()
                {
                    Temperature = 0,
                    RepetitionPenalty = 2,
                    MaxNewTokens = 40,
                    StopTokens = [],
                }
            )
            .Distinct()
            .Count();
        Assert.True(penalised > plain, $"{penalised} kinds of tokens with a penalty, {plain} without");
    }

    [Fact]
    public void an_edit_steers_every_step()
    {
        var strong = Edit.Add(Site.ResidPost(4), Enumerable.Range(0, 256).Select(i => i % 2 == 0 ? 9f : -9f).ToArray());
        Assert.NotEqual(Generate(new() { Temperature = 0 }), Generate(new() { Temperature = 0, Edits = [strong] }));
    }

    [Fact]
    public void options_out_of_range_are_refused_at_once()
    {
        Assert.Throws<ArgumentProblemException>(() =>
        {
            _demo.Generate(Prompt, new() { Temperature = -1 });
        });
        Assert.Throws<ArgumentProblemException>(() =>
        {
            _demo.Generate(Prompt, new() { Temperature = double.NaN });
        });
        Assert.Throws<ArgumentProblemException>(() =>
        {
            _demo.Generate(Prompt, new() { TopP = 0 });
        });
        Assert.Throws<ArgumentProblemException>(() =>
        {
            _demo.Generate(Prompt, new() { TopK = -1 });
        });
        Assert.Throws<ArgumentProblemException>(() =>
        {
            _demo.Generate(Prompt, new() { RepetitionPenalty = 0 });
        });
        Assert.Throws<ArgumentProblemException>(() =>
        {
            _demo.Generate(Prompt, new() { FrequencyPenalty = double.NaN });
        });
    }

    [Fact]
    public void samples_follow_the_soft_max_and_never_leave_the_vocabulary()
    {
        float[] logits = [1, 2, 0, -1, 50];
        var sampler = new Sampler(new GenerationOptions { Seed = 3, Temperature = 0.5 }, realVocabulary: 4);
        var counts = new int[5];
        const int draws = 20_000;
        for (var i = 0; i < draws; i++)
            counts[sampler.Choose(logits)]++;
        var total = logits.Take(4).Sum(x => Math.Exp(x / 0.5));
        for (var i = 0; i < 4; i++)
            Assert.Equal(Math.Exp(logits[i] / 0.5) / total, counts[i] / (double)draws, 0.01);
        Assert.Equal(0, counts[4]);
    }

    [Fact]
    public void top_k_and_top_p_cut_where_they_should()
    {
        float[] logits = [0, 3, 1, 2];
        Assert.Equal([1, 3], Drawn(new() { TopK = 2 }));
        // Probabilities of 3 and 2 are 0.64 and 0.24: the first alone reaches 0.6, both are needed for 0.7.
        Assert.Equal([1], Drawn(new() { TopP = 0.6 }));
        Assert.Equal([1, 3], Drawn(new() { TopP = 0.7 }));

        IEnumerable<int> Drawn(GenerationOptions options)
        {
            var sampler = new Sampler(options with { Seed = 5 }, 4);
            return Enumerable.Range(0, 500).Select(_ => sampler.Choose(logits)).Distinct().Order();
        }
    }
}
