using GemmaScope.Dictionaries;
using GemmaScope.Features;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Tests.Dictionaries;
using Xunit;

namespace GemmaScope.Tests.Features;

public sealed class NearestDirectionsTests : IDisposable
{
    private static readonly GemmaModel Model = GemmaModel.Load(Fixtures.Model("demo-pt"));

    private readonly TemporaryFolder _folder = new();
    private readonly List<SparseDictionary> _dictionaries = [];

    public void Dispose()
    {
        foreach (var one in _dictionaries)
            one.Dispose();
        _folder.Dispose();
    }

    /// <summary>A dictionary of a site, with whole numbers.</summary>
    private int Add(Site site, int width, int seed)
    {
        var path = SampleDictionaries.WriteScopeOne(_folder.File("d"), $"{site}/{seed}", Model.Config.SiteWidth(site), width, seed);
        _dictionaries.Add(SparseDictionary.Load(path, new DictionaryLoadOptions { Site = site }));
        return _dictionaries.Count - 1;
    }

    /// <summary>What a feature adds to the residual stream, by running the model with and without it.</summary>
    private double[] Direction(int dictionary, int feature, Site site, Site reaches)
    {
        var vector = new float[_dictionaries[dictionary].OutputWidth];
        _dictionaries[dictionary].Decoder(feature, vector);
        if (site == reaches)
            return [.. vector.Select(v => (double)v)];
        int[] tokens = [2, 100];
        using ModelRun without = Model.Run(tokens, [reaches], [Edit.Zero(site)], arithmetic: Arithmetic.Exact),
            with = Model.Run(tokens, [reaches], [Edit.Set(site, vector)], arithmetic: Arithmetic.Exact);
        return [.. Enumerable.Range(0, Model.Config.Width).Select(i => (double)with[reaches].Row(1)[i] - without[reaches].Row(1)[i])];
    }

    private static double Cosine(double[] a, double[] b) =>
        a.Zip(b, (x, y) => x * y).Sum() / Math.Sqrt(a.Sum(x => x * x) * b.Sum(y => y * y));

    [Theory]
    [InlineData("resid_post.1", "resid_post.4", "resid_post.1", "resid_post.4")]
    [InlineData("resid_post.1", "z.2", "resid_post.1", "attn_out_raw.2")]
    [InlineData("z.3", "z.0", "attn_out_raw.3", "attn_out_raw.0")]
    [InlineData("z.3", "mlp_out.5", "attn_out_raw.3", "mlp_out.5")]
    public void the_nearest_are_those_whose_effects_on_the_residual_stream_have_the_largest_cosines(
        string from,
        string to,
        string fromReaches,
        string toReaches
    )
    {
        var (a, b) = (Add(Site.Parse(from), 40, 1), Add(Site.Parse(to), 300, 2));
        var found = new NearestDirections(Model, _dictionaries).Find(a, 7, b, 5);
        var own = Direction(a, 7, Site.Parse(from), Site.Parse(fromReaches));
        var want = Enumerable
            .Range(0, 300)
            .Select(i => (Feature: i, Cosine: Cosine(own, Direction(b, i, Site.Parse(to), Site.Parse(toReaches)))))
            .OrderByDescending(one => one.Cosine)
            .Take(5)
            .ToArray();
        Assert.Equal(want.Select(one => one.Feature), found.Select(one => one.Feature));
        Assert.All(want.Zip(found), pair => Assert.Equal(pair.First.Cosine, pair.Second.Cosine, 1e-4));
    }

    [Fact]
    public void a_feature_is_not_its_own_neighbour_but_the_nearest_of_the_same_dictionary_elsewhere()
    {
        var (a, again) = (Add(Site.ResidPost(1), 40, 1), Add(Site.ResidPost(2), 40, 1));
        var search = new NearestDirections(Model, _dictionaries);
        Assert.DoesNotContain(search.Find(a, 7, a, 39), near => near.Feature == 7);
        var nearest = search.Find(a, 7, again, 1).Single();
        Assert.Equal(7, nearest.Feature);
        Assert.Equal(1, nearest.Cosine, 1e-6f);
    }

    [Fact]
    public void what_does_not_reach_the_residual_stream_is_refused()
    {
        var (a, pre) = (Add(Site.ResidPost(1), 8, 1), Add(new Site(SiteKind.AttnIn, 2), 8, 2));
        Assert.False(NearestDirections.Fits(_dictionaries[pre]));
        Assert.Contains(
            "cannot be compared",
            Assert.Throws<ArgumentProblemException>(() => new NearestDirections(Model, _dictionaries).Find(a, 0, pre, 1)).Message
        );
    }
}
