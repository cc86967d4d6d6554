using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Models;

/// <summary>What is particular to Gemma 4: keys and values that layers share, experts, embeddings of layers, factors.</summary>
public class Gemma4ModelTests
{
    private static readonly int[] Prompt = [2, 9, 64, 38, 94, 70, 120, 60, 135, 47, 104, 53];

    private static GemmaModel Load(string name) => GemmaModel.Load(Fixtures.Path("host", name));

    [Theory]
    [InlineData("gemma4-e")]
    [InlineData("gemma4-moe")]
    public void every_site_can_be_listened_to_at_once_and_changes_nothing(string name)
    {
        using var model = Load(name);
        using var plain = model.Run(Prompt, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        var sites = model.Config.Sites().ToArray();
        var seen = new HashSet<Site>();
        using var heard = model.Run(
            Prompt,
            capture: sites,
            edits: sites.Select(site => Edit.Function(site, (_, _) => seen.Add(site))),
            logits: LogitRows.All,
            arithmetic: Arithmetic.Exact
        );
        Assert.Equal(sites.ToHashSet(), seen);
        for (var i = 0; i < plain.Logits!.Length; i++)
            Assert.Equal(plain.Logits.AsSpan()[i], heard.Logits!.AsSpan()[i], 1e-4f);
        foreach (var site in sites.Where(site => !Site.IsAttentionMatrix(site.Kind)))
            Assert.Equal(model.Config.SiteWidth(site), heard[site].Length / Prompt.Length);
    }

    [Fact]
    public void a_layer_that_reads_another_s_keys_has_no_sites_for_its_own_and_says_whose_it_reads()
    {
        using var model = Load("gemma4-e");
        Assert.DoesNotContain(model.Config.Sites(), site => site is { Kind: SiteKind.K or SiteKind.VNormed or SiteKind.KRope, Layer: 6 });
        var error = Assert.Throws<ArgumentProblemException>(() => model.Run(Prompt, capture: [new Site(SiteKind.KRope, 6)]));
        Assert.Contains("keys and values of layer 3", error.Message, StringComparison.Ordinal);
        foreach (var kind in (SiteKind[])[SiteKind.ExpertOut, SiteKind.RouterTopK])
            Assert.Contains(
                "experts",
                Assert.Throws<ArgumentProblemException>(() => model.Run(Prompt, capture: [new Site(kind, 1)])).Message,
                StringComparison.Ordinal
            );
    }

    [Fact]
    public void what_is_done_to_the_values_of_a_layer_reaches_those_that_read_them_with_a_cache_too()
    {
        using var model = Load("gemma4-e");
        var later = new Site(SiteKind.Z, 6);
        var edit = Edit.Zero(new Site(SiteKind.VNormed, 3));
        using var whole = model.Run(Prompt, capture: [later], edits: [edit], logits: LogitRows.All);
        Assert.Equal(0, whole[later].AsSpan().ToArray().Max(Math.Abs));
        using var cache = model.NewCache();
        foreach (var token in Prompt)
            model.Run([token], edits: [edit], cache: cache, logits: LogitRows.None).Dispose();
        using var other = model.NewCache();
        model.Run(Prompt[..5], edits: [edit], cache: other, logits: LogitRows.None).Dispose();
        using var rest = model.Run(Prompt[5..], edits: [edit], cache: other, logits: LogitRows.Last);
        Near(whole.LastLogits().ToArray(), rest.LastLogits().ToArray());
    }

    [Fact]
    public void layers_that_read_another_s_keys_take_no_room_in_a_cache()
    {
        using var model = Load("gemma4-e");
        using var cache = model.NewCache();
        model.Run(Prompt, cache: cache, logits: LogitRows.None).Dispose();
        // Five layers of eight make their own; each begins with room for 64 tokens.
        var widths = model.Config.Shapes.Where(shape => shape.KeyValueSource is null).Sum(shape => shape.KeyValueWidth);
        Assert.Equal(64L * 2 * sizeof(float) * widths, cache.Bytes);
        using var fork = cache.Fork();
        using var first = model.Run([5, 6], cache: cache, logits: LogitRows.Last);
        using var second = model.Run([5, 6], cache: fork, logits: LogitRows.Last);
        Assert.Equal(first.LastLogits().ToArray(), second.LastLogits().ToArray());
    }

    [Fact]
    public void a_run_that_is_stopped_leaves_the_caches_that_layers_share_as_they_were()
    {
        using var model = Load("gemma4-e");
        using var cache = model.NewCache();
        model.Run(Prompt[..6], cache: cache, logits: LogitRows.None).Dispose();
        var stop = Edit.Function(Site.ResidPost(5), (_, _) => throw new OperationCanceledException());
        Assert.Throws<OperationCanceledException>(() => model.Run(Prompt[6..], edits: [stop], cache: cache, logits: LogitRows.None));
        using var rest = model.Run(Prompt[6..], cache: cache, logits: LogitRows.Last, arithmetic: Arithmetic.Exact);
        using var whole = model.Run(Prompt, logits: LogitRows.Last, arithmetic: Arithmetic.Exact);
        Near(whole.LastLogits().ToArray(), rest.LastLogits().ToArray());
    }

    [Fact]
    public void a_run_taken_up_at_an_edit_is_the_whole_run_where_layers_read_more_than_the_residual_stream()
    {
        using var model = Load("gemma4-e");
        var site = Site.ResidPost(4);
        Edit[] edits = [Edit.Scale(site, 0.5f)];
        using var clean = model.Run(Prompt, capture: [site], logits: LogitRows.None, arithmetic: Arithmetic.Exact);
        using var whole = model.Run(Prompt, edits: edits, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
        using var resumed = model.Resume([Prompt], new(5, clean[site].AsMatrix()), edits, LogitRows.All, Arithmetic.Exact, default);
        Assert.Equal(whole.Logits!.AsSpan().ToArray(), resumed.Logits!.AsSpan().ToArray());
    }

    [Fact]
    public void other_experts_can_be_chosen_and_get_the_share_that_the_router_has_for_them()
    {
        using var model = Load("gemma4-moe");
        Site choice = new(SiteKind.RouterTopK, 2),
            shares = new(SiteKind.RouterWeights, 2),
            probabilities = new(SiteKind.RouterProbs, 2),
            output = new(SiteKind.ExpertOut, 2);
        using var plain = model.Run(Prompt, capture: [choice, shares, probabilities, output], arithmetic: Arithmetic.Exact);
        // The two chosen ones the other way round are the same sum.
        using var turned = model.Run(
            Prompt,
            capture: [shares, output, Site.ResidPost(2)],
            edits: [Edit.Function(choice, (rows, _) => Each(rows, row => (row[0], row[1]) = (row[1], row[0])))],
            arithmetic: Arithmetic.Exact
        );
        var width = model.Config.Width;
        for (var t = 0; t < Prompt.Length; t++)
        {
            Assert.Equal(plain[shares].Row(t)[0], turned[shares].Row(t)[1]);
            Assert.Equal(
                plain[output].AsSpan().Slice(t * 2 * width, width).ToArray(),
                turned[output].AsSpan().Slice((t * 2 + 1) * width, width).ToArray()
            );
        }
        // Another one than the router's gets its own probability.
        using var other = model.Run(
            Prompt,
            capture: [choice, shares],
            edits: [Edit.Set(choice, new float[] { 5, 0 })],
            arithmetic: Arithmetic.Exact
        );
        var scale = model.Weights.Layers[2].Experts!.Scale;
        for (var t = 0; t < Prompt.Length; t++)
        {
            var p = plain[probabilities].Row(t);
            Assert.Equal(p[5] / (p[5] + p[0]) * scale[5], other[shares].Row(t)[0], 1e-5f);
        }
        foreach (var wrong in (float[])[6, -1, 0.5f, float.NaN])
        {
            var error = Assert.Throws<ArgumentProblemException>(() =>
                model.Run(Prompt, edits: [Edit.Set(choice, new float[] { wrong, 0 })], logits: LogitRows.Last)
            );
            Assert.Contains("experts 0 to 5", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void a_prompt_of_many_blocks_gives_each_token_its_own_experts()
    {
        using var model = Load("gemma4-moe");
        int[] prompt = [2, .. Enumerable.Range(0, 700).Select(i => 3 + 37 * i % 150)];
        using var whole = model.Run(prompt, logits: LogitRows.Last, arithmetic: Arithmetic.Exact);
        using var cache = model.NewCache();
        model.Run(prompt[..400], cache: cache, logits: LogitRows.None, arithmetic: Arithmetic.Exact).Dispose();
        using var rest = model.Run(prompt[400..], cache: cache, logits: LogitRows.Last, arithmetic: Arithmetic.Exact);
        Near(whole.LastLogits().ToArray(), rest.LastLogits().ToArray());
    }

    [Fact]
    public void gradients_at_experts_and_router_are_central_differences()
    {
        using var model = Load("gemma4-moe");
        var target = GradientTarget.Logit(Prompt.Length - 1, 63);
        Site[] sites =
        [
            .. new[]
            {
                SiteKind.RouterLogits,
                SiteKind.RouterProbs,
                SiteKind.RouterWeights,
                SiteKind.RouterIn,
                SiteKind.ExpertsIn,
                SiteKind.ExpertGatePre,
                SiteKind.ExpertUp,
                SiteKind.ExpertActProduct,
                SiteKind.ExpertOut,
                SiteKind.ExpertsOutRaw,
                SiteKind.ExpertsOut,
                SiteKind.DenseOut,
                SiteKind.FfnCombined,
                SiteKind.ResidBeforeScalar,
                SiteKind.V,
                SiteKind.VNormed,
                SiteKind.K,
            }.Select(kind => new Site(kind, 2)),
        ];
        AssertDifferences(model, target, sites);
    }

    [Fact]
    public void gradients_at_embeddings_of_layers_and_shared_values_are_central_differences()
    {
        using var model = Load("gemma4-e");
        Site[] sites =
        [
            new(SiteKind.PleInputs),
            new(SiteKind.PleProjection),
            new(SiteKind.PleProjectionRaw),
            new(SiteKind.PleToken),
            new(SiteKind.PleGatePre, 3),
            new(SiteKind.PleActProduct, 3),
            new(SiteKind.PleOutRaw, 3),
            new(SiteKind.PleOut, 3),
            new(SiteKind.ResidAfterMlp, 3),
            new(SiteKind.VNormed, 3),
            new(SiteKind.V, 4),
            new(SiteKind.K, 3),
            new(SiteKind.KRope, 4),
        ];
        AssertDifferences(model, GradientTarget.Logit(Prompt.Length - 1, 54), sites);
    }

    /// <summary>Along one random direction at each site.</summary>
    private static void AssertDifferences(GemmaModel model, GradientTarget target, Site[] sites)
    {
        using var gradients = model.Gradients(Prompt, target, sites, arithmetic: Arithmetic.Exact);
        var raw = new Site(SiteKind.LogitsRaw);
        var token =
            target.Site.Kind == SiteKind.FinalNormOut
                ? model.Config.Experts is null
                    ? 54
                    : 63
                : 0;
        foreach (var site in sites)
        {
            var random = new Random(site.GetHashCode());
            var direction = new float[gradients[site].Length];
            for (var i = 0; i < direction.Length; i++)
                direction[i] = (float)(random.NextDouble() - 0.5);
            double slope = 0;
            for (var i = 0; i < direction.Length; i++)
                slope += (double)direction[i] * gradients[site].AsSpan()[i];
            // Small enough for no other expert to be chosen, large enough for f32.
            var step = 2e-3f * Math.Max(0.05f, Scale(model, site));
            var difference = (Value(step) - Value(-step)) / (2 * step);
            Assert.True(
                Math.Abs(slope - difference) <= 0.02 * Math.Max(Math.Abs(slope), 0.05),
                $"{site}: gradient {slope}, difference {difference}"
            );

            double Value(float by)
            {
                using var run = model.Run(
                    Prompt,
                    capture: [raw],
                    edits:
                    [
                        Edit.Function(
                            site,
                            (rows, _) =>
                            {
                                for (var row = 0; row < rows.Rows; row++)
                                for (var i = 0; i < rows.Columns; i++)
                                    rows.Row(row)[i] += by * direction[row * rows.Columns + i];
                            }
                        ),
                    ],
                    logits: LogitRows.All,
                    arithmetic: Arithmetic.Exact
                );
                return run[raw].Row(Prompt.Length - 1)[token];
            }
        }
    }

    private static float Scale(GemmaModel model, Site site)
    {
        using var run = model.Run(Prompt, capture: [site], logits: LogitRows.None, arithmetic: Arithmetic.Exact);
        return run[site].AsSpan().ToArray().Max(Math.Abs);
    }

    private delegate void RowChange(Span<float> row);

    private static void Each(MatrixView rows, RowChange change)
    {
        for (var row = 0; row < rows.Rows; row++)
            change(rows.Row(row));
    }

    private static void Near(float[] want, float[] got)
    {
        var scale = want.Max(Math.Abs);
        Assert.All(want.Zip(got), pair => Assert.Equal(pair.First / scale, pair.Second / scale, 1e-5));
    }
}
