using FsCheck;
using FsCheck.Fluent;
using GemmaScope.Dictionaries;
using Xunit;

namespace GemmaScope.Tests.Dictionaries;

public class SparseActivationsTests
{
    [Fact]
    public void the_strongest_features_are_those_that_sorting_finds() =>
        Prop.ForAll<int[], byte>(
                (values, count) =>
                {
                    // Few different values, so that ties are the rule.
                    float[] z = [.. values.Select(value => (float)(value % 4))];
                    var k = count % 12;
                    var top = new TopSelection(k);
                    foreach (var i in Enumerable.Range(0, z.Length).Reverse())
                        top.Offer(i, z[i]);
                    var want = z.Select((value, i) => new FeatureActivation(i, value))
                        .OrderByDescending(f => f.Value)
                        .ThenBy(f => f.Feature)
                        .Take(k);
                    return top.Descending().SequenceEqual(want)
                        && TopSelection.Indices(z, k).SequenceEqual(want.Select(f => f.Feature).Order());
                }
            )
            .QuickCheckThrowOnFailure();

    [Fact]
    public void only_active_features_are_strong()
    {
        var features = new SparseActivations(9, [0, 4, 4], [1, 2, 5, 8], [3, -2, 3, 7]);
        Assert.Equal([new(8, 7), new(1, 3), new(5, 3)], features.Top(0, 5));
        Assert.Equal([new(8, 7), new(1, 3)], features.Top(0, 2));
        Assert.Equal(3, features.L0(0));
        Assert.Empty(features.Top(1, 5));
        Assert.Equal((-2, 0), (features.Value(0, 2), features.Value(0, 3)));
    }

    [Fact]
    public void a_slice_of_rows_is_a_matrix_of_its_own()
    {
        var features = new SparseActivations(4, [0, 1, 3, 3], [0, 1, 3], [1, 2, 3]);
        var slice = features.SliceRows(1, 2);
        Assert.Equal((2, 2L, 4), (slice.Rows, slice.Count, slice.Width));
        Assert.Equal([1, 3], slice.Indices(0).ToArray());
        Assert.Equal([2f, 3f], slice.Values(0).ToArray());
    }

    [Theory]
    [InlineData(new[] { 0, 2 }, new[] { 2, 1 })]
    [InlineData(new[] { 0, 2 }, new[] { 1, 1 })]
    [InlineData(new[] { 0, 2 }, new[] { 1, 4 })]
    [InlineData(new[] { 0, 1 }, new[] { 1, 2 })]
    [InlineData(new[] { 1, 2 }, new[] { 1, 2 })]
    [InlineData(new[] { 0, 3, 2 }, new[] { 1, 2 })]
    [InlineData(new int[0], new[] { 1, 2 })]
    public void arrays_that_are_no_matrix_are_refused(int[] starts, int[] indices) =>
        Assert.Throws<ArgumentProblemException>(() => new SparseActivations(4, starts, indices, [1, 2]));
}
