namespace GemmaScope.Evaluation;

/// <summary>Training and test rows of a set: each class is divided alike, in an order that only the seed decides.</summary>
/// <param name="Train">Rows to learn from.</param>
/// <param name="Test">Rows to measure on.</param>
public sealed record LabelledSplit(IReadOnlyList<int> Train, IReadOnlyList<int> Test)
{
    // One row of five, as 1,000 of 5,000.
    private const int Parts = 5;

    /// <summary>Divides the rows of some classes.</summary>
    /// <param name="labels">The class of each row.</param>
    /// <param name="seed">The same seed divides alike.</param>
    /// <param name="maxTrain">Training rows at most; every class loses the same share.</param>
    /// <param name="maxTest">Test rows at most.</param>
    public static LabelledSplit Of(IReadOnlyList<string> labels, int seed = 0, int maxTrain = 4000, int maxTest = 1000)
    {
        var random = new Random(seed);
        var classes = Enumerable
            .Range(0, labels.Count)
            .GroupBy(row => labels[row])
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => group.ToArray())
            .ToArray();
        List<int> train = [],
            test = [];
        foreach (var rows in classes)
        {
            random.Shuffle(rows);
            var held = rows.Length / Parts;
            test.AddRange(rows.Take(Share(held, maxTest, labels.Count / (double)Parts)));
            train.AddRange(rows.Skip(held).Take(Share(rows.Length - held, maxTrain, labels.Count - labels.Count / (double)Parts)));
        }
        return new LabelledSplit([.. train.Order()], [.. test.Order()]);
    }

    private static int Share(int rows, int limit, double all) => all <= limit ? rows : (int)(rows * (limit / all));
}
