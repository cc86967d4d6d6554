using GemmaScope.Dictionaries;

namespace GemmaScope.Evaluation;

/// <summary>Demands on the labels of examples.</summary>
internal static class Labels
{
    /// <summary>One label for each row, and at least one of each class.</summary>
    public static void RequireBoth(SparseActivations x, ReadOnlySpan<bool> labels)
    {
        if (labels.Length != x.Rows)
            throw new ArgumentProblemException($"{labels.Length} labels for {x.Rows} rows", "labels");
        if (!labels.Contains(true) || !labels.Contains(false))
            throw new ArgumentProblemException("all examples are of one class; a probe needs both", "labels");
    }
}
