using System.Numerics.Tensors;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Models;

public class GradientTests
{
    private static readonly int[] Prompt = [2, 17, 93, 5, 140, 8, 201, 33, 64, 12, 77, 150, 9, 41];

    [Theory]
    [InlineData("gemma2-f32-smallcaps")]
    [InlineData("gemma2-bf16-sharded")]
    [InlineData("gemma2-f16")]
    [InlineData("gemma3-text")]
    public void at_every_site_the_gradient_predicts_what_a_small_edit_does(string folder)
    {
        using var model = Load(folder);
        var (position, token) = (Prompt.Length - 2, 7);
        var sites = model.Config.Sites().Where(site => site.Kind is not (SiteKind.LogitsRaw or SiteKind.Logits)).ToArray();
        using var clean = model.Run(Prompt, capture: sites, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        using var gradients = model.Gradients(Prompt, GradientTarget.Logit(position, token), sites, arithmetic: Arithmetic.Exact);
        var random = new Random(3);
        foreach (var site in sites)
        {
            // Half along the gradient, so that there is something to measure, half anywhere, so that nothing may be missing.
            var gradient = gradients[site].AsSpan().ToArray();
            var direction = Unit(gradient);
            TensorPrimitives.Add(direction, Unit([.. gradient.Select(_ => (float)(random.NextDouble() - 0.5))]), direction);
            var scale = TensorPrimitives.Norm<float>(gradient);
            // Small against the activations and against the curvature, large against the rounding of a logit.
            var step = Math.Min(2e-3f * TensorPrimitives.Norm<float>(clean[site].AsSpan()), 0.02f / scale);

            var difference = (Logit(step) - Logit(-step)) / (2 * step);

            Assert.True(scale > 0, site.ToString());
            Assert.True(
                Math.Abs(difference - TensorPrimitives.Dot<float>(gradient, direction)) <= 0.01 * scale,
                $"{site}: {TensorPrimitives.Dot<float>(gradient, direction)} predicted, {difference} measured"
            );

            double Logit(float by)
            {
                using var run = model.Run(
                    Prompt,
                    capture: [new Site(SiteKind.LogitsRaw)],
                    edits: [AddTensor(site, direction, by)],
                    logits: LogitRows.All,
                    arithmetic: Arithmetic.Exact
                );
                return run[new Site(SiteKind.LogitsRaw)].Row(position)[token];
            }
        }
    }

    [Fact]
    public void the_value_of_cross_entropy_is_the_run_s()
    {
        using var model = Load("gemma2-f32-smallcaps");
        using var gradients = model.Gradients(Prompt, GradientTarget.CrossEntropy, [Site.Embed], arithmetic: Arithmetic.Exact);
        using var run = model.Run(Prompt, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        Assert.Equal(run.CrossEntropy(), gradients.Value, 1e-5);
    }

    [Theory]
    [InlineData(GradientMode.Full)]
    [InlineData(GradientMode.Frozen)]
    public void a_run_that_keeps_a_part_gives_the_gradients_of_a_run_that_keeps_all(GradientMode mode)
    {
        using var model = Load("gemma3-text");
        var (from, to) = (Site.ResidMid(1), Site.MlpIn(4));
        Site[] sites = [from, Site.MlpOut(1), Site.Z(2), Site.ResidPost(3), new(SiteKind.Ln2Normalized, 4)];
        var target = GradientTarget.Probe(to, 6, Vector(model.Config.Width));
        using var part = model.RunDifferentiable(Prompt, mode, [to], from, to, Arithmetic.Exact);
        using var whole = model.RunDifferentiable(Prompt, mode, [to], arithmetic: Arithmetic.Exact);
        using var got = part.Gradients(target, sites);
        using var want = whole.Gradients(target, sites.Append(Site.Embed));
        // Which attention kernel runs depends on what is kept, so the last bits may differ.
        Assert.Equal(want.Value, got.Value, 1e-5 * Math.Abs(want.Value));
        foreach (var site in sites)
        {
            var largest = want[site].AsSpan().ToArray().Max(Math.Abs);
            Assert.True(largest > 0, site.ToString());
            Assert.All(
                want[site].AsSpan().ToArray().Zip(got[site].AsSpan().ToArray()),
                pair => Assert.Equal(pair.First, pair.Second, 1e-5f * largest)
            );
        }
    }

    [Fact]
    public void one_run_serves_many_targets_in_any_order()
    {
        using var model = Load("gemma2-f32-smallcaps");
        using var run = model.RunDifferentiable(Prompt, GradientMode.Full, [Site.MlpIn(2)], arithmetic: Arithmetic.Exact);
        GradientTarget[] targets =
        [
            GradientTarget.CrossEntropy,
            GradientTarget.Probe(Site.MlpIn(2), 3, Vector(model.Config.Width)),
            GradientTarget.DemeanedLogit(4, 9),
        ];
        foreach (var target in targets.Concat(targets.Reverse()))
        {
            using var got = run.Gradients(target, [Site.Embed, Site.MlpOut(0)]);
            using var want = model.Gradients(Prompt, target, [Site.Embed, Site.MlpOut(0)], arithmetic: Arithmetic.Exact);
            Assert.Equal(want[Site.Embed].AsSpan().ToArray(), got[Site.Embed].AsSpan().ToArray());
            Assert.Equal(want[Site.MlpOut(0)].AsSpan().ToArray(), got[Site.MlpOut(0)].AsSpan().ToArray());
        }
    }

    [Fact]
    public void sites_that_the_target_does_not_depend_on_get_zeros()
    {
        using var model = Load("gemma2-f32-smallcaps");
        using var gradients = model.Gradients(
            Prompt,
            GradientTarget.Probe(Site.MlpIn(1), 5, Vector(model.Config.Width)),
            [Site.Embed, Site.ResidPost(1), Site.Z(2)]
        );
        Assert.DoesNotContain(gradients[Site.ResidPost(1)].AsSpan().ToArray(), v => v != 0);
        Assert.DoesNotContain(gradients[Site.Z(2)].AsSpan().ToArray(), v => v != 0);
        var embed = gradients[Site.Embed];
        for (var t = 0; t < Prompt.Length; t++)
            Assert.Equal(t <= 5, TensorPrimitives.Norm<float>(embed.Row(t)) > 0);
    }

    [Fact]
    public void a_function_of_a_site_gives_the_same_as_the_probe_it_computes()
    {
        using var model = Load("gemma2-f32-smallcaps");
        var vector = Vector(model.Config.Width);
        var function = GradientTarget.Function(
            Site.ResidMid(2),
            (x, gradient) =>
            {
                vector.CopyTo(gradient.Row(4));
                return TensorPrimitives.Dot<float>(vector, x.Row(4));
            }
        );
        using var got = model.Gradients(Prompt, function, [Site.Z(0)]);
        using var want = model.Gradients(Prompt, GradientTarget.Probe(Site.ResidMid(2), 4, vector), [Site.Z(0)]);
        Assert.Equal(want.Value, got.Value);
        Assert.Equal(want[Site.Z(0)].AsSpan().ToArray(), got[Site.Z(0)].AsSpan().ToArray());
    }

    [Fact]
    public void what_cannot_be_asked_is_refused_with_its_reason()
    {
        using var model = Load("gemma2-f32-smallcaps");
        var logit = GradientTarget.Logit(0, 0);
        Refused("logit", () => model.Gradients(Prompt, logit, [new Site(SiteKind.Logits)]));
        Refused("layers 0 to", () => model.Gradients(Prompt, logit, [Site.Z(99)]));
        Refused("frozen", () => model.Gradients(Prompt, logit, [new Site(SiteKind.Q, 1)], GradientMode.Frozen));
        Refused(
            "frozen",
            () =>
                model.Gradients(
                    Prompt,
                    GradientTarget.Probe(new Site(SiteKind.MlpUp, 1), 0, Vector(model.Config.Shapes[1].MlpWidth)),
                    [Site.Embed],
                    GradientMode.Frozen
                )
        );
        Refused("outside the sequence", () => model.Gradients(Prompt, GradientTarget.Logit(Prompt.Length, 0), [Site.Embed]));
        Refused("vocabulary", () => model.Gradients(Prompt, GradientTarget.Logit(0, -1), [Site.Embed]));
        Refused("numbers", () => model.Gradients(Prompt, GradientTarget.Probe(Site.MlpIn(0), 0, Vector(3)), [Site.Embed]));
        Refused("two or more", () => model.Gradients([2], GradientTarget.CrossEntropy, [Site.Embed]));
        Refused("Function", () => GradientTarget.Probe(new Site(SiteKind.AttnPattern, 0), 0, Vector(3)));
        using var run = model.RunDifferentiable(Prompt, from: Site.ResidPost(1), to: Site.ResidPost(2));
        Refused("'from'", () => run.Gradients(GradientTarget.Probe(Site.ResidPost(2), 0, Vector(model.Config.Width)), [Site.ResidPost(0)]));
        Refused("'to'", () => run.Gradients(logit, [Site.ResidPost(1)]));
        Refused(
            "not captured",
            () => run.Gradients(GradientTarget.Probe(Site.ResidPost(2), 0, Vector(model.Config.Width)), [Site.ResidPost(1)])
        );
        using var gradients = model.Gradients(Prompt, logit, []);
        Refused("not asked", () => gradients[Site.Embed]);

        static void Refused(string reason, Func<object> ask) =>
            Assert.Contains(reason, Assert.Throws<ArgumentProblemException>(ask).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void a_cancelled_gradient_stops()
    {
        using var model = Load("gemma2-f32-smallcaps");
        using var run = model.RunDifferentiable(Prompt);
        Assert.Throws<OperationCanceledException>(() =>
            run.Gradients(GradientTarget.Logit(0, 0), [Site.Embed], new CancellationToken(canceled: true))
        );
    }

    private static GemmaModel Load(string folder) => GemmaModel.Load(Fixtures.Path("host", folder));

    private static float[] Vector(int width)
    {
        var random = new Random(width);
        return [.. Enumerable.Range(0, width).Select(_ => (float)(random.NextDouble() - 0.5))];
    }

    private static float[] Unit(float[] vector)
    {
        var unit = new float[vector.Length];
        TensorPrimitives.Divide(vector, TensorPrimitives.Norm<float>(vector), unit);
        return unit;
    }

    /// <summary>x += by · values, whatever the shape of the site; attention matrices come head by head.</summary>
    private static Edit AddTensor(Site site, float[] values, float by)
    {
        var at = 0;
        return Edit.Function(
            site,
            (rows, _) =>
            {
                for (var i = 0; i < rows.Rows; i++, at += rows.Columns)
                    TensorPrimitives.MultiplyAdd(values.AsSpan(at, rows.Columns), by, rows.Row(i), rows.Row(i));
            }
        );
    }
}
