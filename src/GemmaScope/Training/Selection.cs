namespace GemmaScope.Training;

/// <summary>The k largest of a list, by partitioning (Hoare's quickselect).</summary>
internal static class Selection
{
    /// <summary>The k-th largest value, and how many values equal to it are among the k largest; reorders the list.</summary>
    public static (float Value, int Ties) Largest(Span<float> values, int k)
    {
        var (low, high, target) = (0, values.Length - 1, k - 1);
        while (low < high)
        {
            var pivot = Median(values[low], values[low + (high - low) / 2], values[high]);
            var (i, j) = (low, high);
            while (i <= j)
            {
                while (values[i] > pivot)
                    i++;
                while (values[j] < pivot)
                    j--;
                if (i > j)
                    break;
                (values[i], values[j]) = (values[j], values[i]);
                (i, j) = (i + 1, j - 1);
            }
            if (target <= j)
                high = j;
            else if (target >= i)
                low = i;
            else
                break;
        }
        var value = values[target];
        var above = 0;
        foreach (var other in values[..k])
            above += other > value ? 1 : 0;
        return (value, k - above);
    }

    private static float Median(float a, float b, float c) => Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
}
