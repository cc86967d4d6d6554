using GemmaScope.Lenses;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Lenses;

/// <summary>The batched backward pass against the general one, on a model with soft caps and a window shorter than the prompt.</summary>
public class JacobianFitTests
{
    private static readonly int[] Prompt = [2, .. Enumerable.Range(0, 29).Select(i => 4 + 37 * i % 160)];

    private static GemmaModel Host(string name = "gemma2-f32-smallcaps") => GemmaModel.Load(Fixtures.Path("host", name));

    [Theory]
    [InlineData("gemma2-f32-smallcaps", 16, null)]
    [InlineData("gemma2-f32-smallcaps", 3, 2)]
    [InlineData("gemma4-e", 5, null)]
    [InlineData("gemma4-unified-prefix", 5, 4)]
    public void each_row_is_the_gradient_of_one_output_summed_over_later_positions(string host, int skip, int? target)
    {
        using var model = Host(host);
        using var fit = new JacobianFit(model, new() { SkipFirst = skip, TargetLayer = target });
        Assert.True(fit.Add(Prompt));
        using var lens = fit.ToLens();
        var last = target ?? model.Config.Layers - 1;
        Assert.Equal(Enumerable.Range(0, last), lens.Layers);
        Site[] sites = [.. lens.Layers.Select(Site.ResidPost)];
        using var run = model.RunDifferentiable(Prompt, capture: [Site.ResidPost(last)], from: sites[0], to: Site.ResidPost(last));
        foreach (var output in (int[])[0, 7, model.Config.Width - 1])
        {
            var at = output;
            var summed = GradientTarget.Function(
                Site.ResidPost(last),
                (_, gradient) =>
                {
                    for (var position = skip; position < Prompt.Length - 1; position++)
                        gradient.Row(position)[at] = 1;
                    return 0;
                }
            );
            using var gradients = run.Gradients(summed, sites);
            foreach (var layer in lens.Layers)
            {
                var want = new float[model.Config.Width];
                for (var position = skip; position < Prompt.Length - 1; position++)
                for (var column = 0; column < want.Length; column++)
                    want[column] += gradients[Site.ResidPost(layer)].Row(position)[column] / (Prompt.Length - 1 - skip);
                var scale = want.Max(Math.Abs);
                for (var column = 0; column < want.Length; column++)
                    Assert.Equal(want[column] / scale, lens[layer].Row(output)[column] / scale, 1e-4);
            }
        }
    }

    [Fact]
    public void frozen_patterns_and_own_positions_leave_something_out()
    {
        using var model = Host();
        var all = First(model, new());
        var frozen = First(model, new() { Paths = JacobianPaths.FrozenPatterns });
        var own = First(model, new() { Paths = JacobianPaths.OwnPosition });
        Assert.NotEqual(all, frozen);
        Assert.NotEqual(all, own);
        Assert.NotEqual(frozen, own);

        static float[] First(GemmaModel model, JacobianFitOptions options)
        {
            using var fit = new JacobianFit(model, options);
            fit.Add(Prompt);
            using var lens = fit.ToLens();
            return lens[0].AsSpan().ToArray();
        }
    }

    [Fact]
    public void only_the_layers_that_are_asked_for_are_fitted_and_are_the_same()
    {
        using var model = Host();
        using var all = new JacobianFit(model);
        using var some = new JacobianFit(model, new() { Layers = [2, 1] });
        all.Add(Prompt);
        some.Add(Prompt);
        using var whole = all.ToLens();
        using var part = some.ToLens();
        Assert.Equal([1, 2], part.Layers);
        for (var i = 0; i < part[1].Length; i++)
            Assert.Equal(whole[1].AsSpan()[i], part[1].AsSpan()[i], 1e-5);
        Assert.Contains("was not fitted for layer 0", Assert.Throws<ArgumentProblemException>(() => part[0]).Message);
    }

    [Fact]
    public void prompts_that_are_too_short_are_counted_and_left_out()
    {
        using var model = Host();
        using var fit = new JacobianFit(model);
        Assert.False(fit.Add(Prompt[..17]));
        Assert.True(fit.Add(Prompt[..18]));
        Assert.Equal((1, 1, 1), (fit.Prompts, fit.Skipped, (int)fit.Positions));
        using var none = new JacobianFit(model);
        none.Add(Prompt[..10]);
        Assert.Contains("too short", Assert.Throws<ArgumentProblemException>(() => none.ToLens()).Message);
    }

    [Theory]
    [InlineData(-1, 128, null)]
    [InlineData(16, 17, null)]
    [InlineData(16, 128, 0)]
    [InlineData(16, 128, 4)]
    public void what_cannot_be_fitted_is_refused(int skip, int length, int? target)
    {
        using var model = Host();
        Assert.Throws<ArgumentProblemException>(() =>
            new JacobianFit(
                model,
                new()
                {
                    SkipFirst = skip,
                    MaxSeqLen = length,
                    TargetLayer = target,
                }
            )
        );
    }
}
