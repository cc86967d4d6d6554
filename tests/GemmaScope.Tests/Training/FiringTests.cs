using GemmaScope.Training;
using Xunit;

namespace GemmaScope.Tests.Training;

public sealed class FiringTests
{
    [Fact]
    public void dense_features_are_those_of_many_batches_not_of_the_last()
    {
        using var firing = new Firing(4, window: 1000);
        // Feature 0 fires at a fifth of all rows, 1 at all rows of a rare batch, 2 in the last batch only, 3 never.
        for (var batch = 0; batch < 20; batch++)
        {
            firing.Add(0, 10, (batch + 1) * 50);
            if (batch == 18)
                firing.Add(1, 50, (batch + 1) * 50);
            if (batch == 19)
                firing.Add(2, 50, (batch + 1) * 50);
            firing.Close(50);
        }
        Assert.Equal(0.25, firing.ShareAbove(0.15));
        Assert.Equal(0.75, firing.ShareAbove(0.01));
    }

    [Fact]
    public void what_fired_long_ago_no_longer_counts()
    {
        using var firing = new Firing(1, window: 1000);
        firing.Add(0, 500, 500);
        firing.Close(500);
        Assert.Equal(1, firing.ShareAbove(0.1));
        Assert.False(firing.IsDead(0, 1000));
        for (var batch = 0; batch < 2; batch++)
            firing.Close(500);
        Assert.Equal(0, firing.ShareAbove(0.1));
        Assert.True(firing.IsDead(0, 1500));
    }

    [Fact]
    public void before_the_first_batch_nothing_is_dense()
    {
        using var firing = new Firing(3, window: 10);
        Assert.Equal(0, firing.ShareAbove(0.1));
    }
}
