using GemmaScope.Evaluation;
using Xunit;

namespace GemmaScope.Tests.Evaluation;

public class ClassSeparationTests
{
    [Fact]
    public void the_silhouette_is_that_of_its_definition()
    {
        // On a line at 0, 1 and at 10, 12: a = 1, b = 11 for the first point, and so on.
        float[][] points =
        [
            [0],
            [1],
            [10],
            [12],
        ];
        var expected = (10 / 11.0 + 9 / 10.0 + 7.5 / 9.5 + 9.5 / 11.5) / 4;
        Assert.Equal(expected, ClassSeparation.Silhouette(points, [true, true, false, false])!.Value, 6);
        Assert.True(ClassSeparation.Silhouette(points, [true, false, true, false]) < 0);
        Assert.Null(ClassSeparation.Silhouette(points, [true, true, true, true]));
        Assert.Equal(
            0,
            ClassSeparation.Silhouette(
                [
                    [0],
                    [5],
                ],
                [true, false]
            )
        );
        Assert.Throws<ArgumentProblemException>(() => ClassSeparation.Silhouette(points, [true]));
    }

    [Fact]
    public void the_plane_shows_where_points_differ_most()
    {
        // Nine times the variance along (1, 1, 0) as along the third axis, and nothing else.
        float[][] points =
        [
            [3, 3, 1],
            [-3, -3, -1],
            [3, 3, -1],
            [-3, -3, 1],
            [0, 0, 0],
        ];
        var plane = ClassSeparation.Plane(points);
        Assert.Equal(18 / 19.0, plane.FirstShare, 6);
        Assert.Equal(1 / 19.0, plane.SecondShare, 6);
        Assert.All(plane.Places.Take(4), place => Assert.Equal(Math.Sqrt(18), Math.Abs(place.X), 4));
        Assert.Equal(Math.Sign(plane.Places[0].Y), -Math.Sign(plane.Places[1].Y));
        Assert.Equal(0, plane.Places[4].X, 6);
    }

    [Fact]
    public void points_that_are_all_the_same_have_no_plane()
    {
        var plane = ClassSeparation.Plane([
            [1, 2],
            [1, 2],
            [1, 2],
        ]);
        Assert.Equal((0, 0), (plane.FirstShare, plane.SecondShare));
        Assert.Empty(ClassSeparation.Plane([]).Places);
    }

    [Fact]
    public void an_interval_of_a_mean_holds_it_and_is_the_same_each_time()
    {
        double[] values = [.. Enumerable.Range(0, 40).Select(i => i % 4 == 0 ? 1.0 : 0)];
        var interval = Interval.OfMean(values)!.Value;
        Assert.InRange(0.25, interval.Low, interval.High);
        Assert.InRange(interval.High - interval.Low, 0.15, 0.4);
        Assert.Equal(interval, Interval.OfMean(values));
        Assert.Equal(new Interval(3, 3), Interval.OfMean([3, 3]));
        Assert.Null(Interval.OfMean([]));
    }
}
