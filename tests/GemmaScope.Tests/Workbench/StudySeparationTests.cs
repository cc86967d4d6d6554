using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

public class StudySeparationTests
{
    private const int Rows = 120,
        Columns = 200,
        Planted = 17;

    private static readonly JailbreakStudyJobOptions Options = new()
    {
        Out = "x",
        Harmless = "x",
        Direction = "x",
        Resamples = 200,
    };

    [Fact]
    public void a_planted_column_is_chosen_and_holds_on_the_other_half()
    {
        var single = Measure(planted: true, most: 1);
        Assert.Equal($"{Planted} higher", single.Chosen);
        Assert.InRange(single.Auroc!.Mean, 0.85, 1);
        Assert.True(single.Auroc.Low > 0.5 && single.Auroc.Low <= single.Auroc.Mean && single.Auroc.Mean <= single.Auroc.High);
        Assert.True(single.Caught!.Mean > single.FalseAlarms!.Mean + 0.5);
        Assert.InRange(Measure(planted: true, most: 4).Auroc!.Mean, 0.8, 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void where_nothing_was_planted_nothing_holds_on_the_other_half_however_well_it_was_chosen(int most)
    {
        // By chance one draw in twenty lies outside; the mean of many does not.
        StudySeparator[] found = [.. Enumerable.Range(0, 12).Select(draw => Measure(planted: false, most, draw))];
        Assert.InRange(found.Average(one => one.Auroc!.Mean), 0.44, 0.56);
        Assert.InRange(found.Average(one => one.Shuffled!.Mean), 0.47, 0.53);
        Assert.True(found.Count(one => one.Auroc!.Low <= 0.5 && one.Auroc.High >= 0.5) >= 9);
    }

    [Fact]
    public void cases_of_one_group_are_on_one_side()
    {
        // Each group is of one class and has a number of its own: who knew a group from the first half would know it in the second.
        var cases = Enumerable.Range(0, Rows).Select(row => new StudyCase($"{row / 4}", row / 4 % 2 == 0)).ToArray();
        var columns = SparseRows.Of(Rows / 4, cases.Select((_, row) => new[] { (row / 4, 1f) }));
        var found = StudySeparation.Of(
            ("q", "a", "b"),
            cases,
            [new ColumnPredictor("group", columns, int.MaxValue, i => $"{i}")],
            2,
            Options
        );
        Assert.Equal(0.5, found.Separators[0].Auroc!.Mean, 6);
        Assert.Equal(Rows, found.Positives.Sum() + found.Negatives.Sum());
    }

    [Fact]
    public void the_direction_of_a_number_is_learned_and_one_class_is_no_question()
    {
        var cases = Cases();
        var falling = cases.Select((one, row) => (one.IsPositive ? -1.0 : 1) + row * 1e-3).ToArray();
        var found = StudySeparation.Of(("q", "a", "b"), cases, [new NumberPredictor("n", falling)], 5, Options);
        Assert.Equal(("lower", 1.0), (found.Separators[0].Chosen, found.Separators[0].Auroc!.Mean));
        Assert.Empty(
            StudySeparation
                .Of(
                    ("q", "a", "b"),
                    [.. cases.Select(one => one with { IsPositive = true })],
                    [new NumberPredictor("n", falling)],
                    5,
                    Options
                )
                .Separators
        );
    }

    private static StudyCase[] Cases(int draw = 0)
    {
        var random = new Random(5 + draw);
        return [.. Enumerable.Range(0, Rows).Select(row => new StudyCase($"{row}", random.Next(2) == 0))];
    }

    private static StudySeparator Measure(bool planted, int most, int draw = 0)
    {
        var (random, cases) = (new Random(9 + draw), Cases(draw));
        var columns = SparseRows.Of(
            Columns,
            cases.Select(one =>
                Enumerable
                    .Range(0, Columns)
                    .Select(column =>
                        (
                            column,
                            planted && column == Planted && one.IsPositive ? 1 + random.NextSingle()
                            : random.Next(3) == 0 ? random.NextSingle()
                            : 0
                        )
                    )
                    .Where(entry => entry.Item2 > 0)
            )
        );
        return StudySeparation
            .Of(("q", "a", "b"), cases, [new ColumnPredictor("features", columns, most, i => $"{i}")], 20, Options)
            .Separators[0];
    }
}
