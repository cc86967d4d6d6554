using GemmaScope.Circuits;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Circuits;

[Trait("Category", "Golden")]
public class QueryKeyAttributionTests
{
    [Theory]
    [InlineData("gemma2", SiteKind.Ln2Normalized, false)]
    [InlineData("gemma2", SiteKind.ResidMid, true)]
    [InlineData("gemma3", SiteKind.MlpIn, false)]
    [InlineData("gemma3", SiteKind.MlpIn, true)]
    [InlineData("gemma4-e", SiteKind.MlpIn, true)]
    [InlineData("gemma4-moe", SiteKind.Ln2Normalized, false)]
    public void pairs_add_up_to_the_score_of_the_model(string family, SiteKind input, bool skip)
    {
        using var tiny = TinyCircuit.Make(input, skip, family: family);
        var config = tiny.Host.Config;
        for (var layer = 0; layer < config.Layers; layer++)
        {
            Site raw = new(SiteKind.AttnScoresRaw, layer),
                capped = new(SiteKind.AttnScoresSoftcapped, layer),
                pattern = new(SiteKind.AttnPattern, layer);
            using var run = tiny.Host.Run(TinyCircuit.Prompt, capture: [raw, capped, pattern], arithmetic: Arithmetic.Exact);
            for (var head = 0; head < config.Heads; head++)
                foreach (var (query, key) in ((int, int)[])[(10, 8), (9, 9), (4, 1)])
                {
                    var at = (head * TinyCircuit.Prompt.Length + query) * TinyCircuit.Prompt.Length + key;
                    using var found = QueryKeyAttribution.Of(tiny.Model, layer, head, query, key);
                    Assert.Equal(run[raw].AsSpan()[at], found.Score, 1e-4);
                    Assert.Equal(run[capped].AsSpan()[at], found.CappedScore, 1e-4);
                    Assert.Equal(run[pattern].AsSpan()[at], found.Weight, 1e-5);
                    Assert.Equal(found.Score, found.Sum, 1e-4);
                    Assert.InRange(found.Error, 0, 1e-4);
                }
        }
    }

    [Fact]
    public void totals_and_strongest_pairs_are_those_of_all_pairs()
    {
        using var tiny = TinyCircuit.Make(skip: true);
        using var found = QueryKeyAttribution.Of(tiny.Model, 4, 2, 10, 8);
        var pairs = new List<double>();
        for (var query = 0; query < found.QuerySources.Count; query++)
        {
            double[] row = [.. Enumerable.Range(0, found.KeySources.Count).Select(key => found.Value(query, key))];
            Assert.Equal(row.Sum(), found.QueryValue(query), 1e-6);
            pairs.AddRange(row);
        }
        Assert.Equal(found.Score, pairs.Sum(), 1e-4);
        Assert.Equal(found.Score, Enumerable.Range(0, found.KeySources.Count).Sum(found.KeyValue), 1e-4);
        var strongest = found.Strongest(20);
        Assert.Equal(pairs.OrderByDescending(Math.Abs).Take(20), strongest.Select(pair => pair.Value), new Near());
        Assert.Equal(Enum.GetValues<QueryKeySourceKind>(), found.QuerySources.Select(source => source.Kind).Distinct().Order());
        Assert.All(found.KeySources, source => Assert.True(source.Position <= 8 && source.Layer < 4));
    }

    [Fact]
    public void in_the_first_layer_a_score_is_of_two_tokens()
    {
        using var tiny = TinyCircuit.Make();
        using var found = QueryKeyAttribution.Of(tiny.Model, 0, 1, 6, 5);
        var pair = Assert.Single(found.Strongest(5));
        Assert.Equal(new(QueryKeySourceKind.Token, -1, 6, TinyCircuit.Prompt[6]), pair.Query);
        Assert.Equal(new(QueryKeySourceKind.Token, -1, 5, TinyCircuit.Prompt[5]), pair.Key);
        Assert.Equal(found.Score, pair.Value, 1e-5);
    }

    [Fact]
    public void a_target_that_alone_reads_what_enters_attention_adds_up()
    {
        using var tiny = TinyCircuit.Make();
        float[] direction = [.. Enumerable.Range(0, tiny.Host.Config.Width).Select(i => (float)Math.Sin(i))];
        foreach (var site in (Site[])[new(SiteKind.AttnIn, 3), new(SiteKind.Ln1Normalized, 3), Site.ResidPre(3), Site.Embed])
        {
            using var graph = tiny.Graph(CircuitTarget.Direction(site, direction, 6));
            Assert.NotEqual(0, graph.Value(graph.FirstTarget));
            Assert.True(graph.IsComplete, $"{site}: {graph.IdentityError}");
        }
    }

    [Theory]
    [InlineData(9, 0, 5, 5)]
    [InlineData(0, 4, 5, 5)]
    [InlineData(0, -1, 5, 5)]
    [InlineData(0, 0, 11, 5)]
    [InlineData(0, 0, 5, 6)]
    [InlineData(0, 0, 10, 0)]
    public void what_a_head_does_not_see_is_refused(int layer, int head, int query, int key)
    {
        using var tiny = TinyCircuit.Make();
        Assert.Throws<ArgumentProblemException>(() => QueryKeyAttribution.Of(tiny.Model, layer, head, query, key));
    }

    private sealed class Near : IEqualityComparer<double>
    {
        public bool Equals(double x, double y) => Math.Abs(x - y) < 1e-6;

        public int GetHashCode(double value) => 0;
    }
}
