using GemmaScope.Dictionaries;

namespace GemmaScope.Workbench;

/// <summary>Sparse rows from lists of their entries.</summary>
internal static class SparseRows
{
    /// <summary>A matrix of rows, each with its columns in rising order.</summary>
    public static SparseActivations Of(int width, IEnumerable<IEnumerable<(int Column, float Value)>> rows)
    {
        List<int> starts = [0],
            columns = [];
        List<float> values = [];
        foreach (var row in rows)
        {
            foreach (var (column, value) in row)
            {
                columns.Add(column);
                values.Add(value);
            }
            starts.Add(columns.Count);
        }
        return new(width, [.. starts], [.. columns], [.. values]);
    }
}
