namespace GemmaScope.Behaviour;

/// <summary>Prompts that are run together: enough of them that the weights are read rarely, few enough that memory stays small.</summary>
internal static class PromptBatches
{
    private const int MostTokens = 2048,
        MostPrompts = 32;

    public static IEnumerable<int[][]> Of(IReadOnlyList<int[]> prompts)
    {
        List<int[]> batch = [];
        var tokens = 0;
        foreach (var prompt in prompts)
        {
            if (batch.Count > 0 && (batch.Count == MostPrompts || tokens + prompt.Length > MostTokens))
            {
                yield return [.. batch];
                batch.Clear();
                tokens = 0;
            }
            batch.Add(prompt);
            tokens += prompt.Length;
        }
        if (batch.Count > 0)
            yield return [.. batch];
    }
}
