using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>Two prompts that differ in little, and the next word that is right after each and wrong after the other: <c>The friends</c> →
/// <c> are</c>, <c>The friend</c> → <c> is</c>.</summary>
/// <param name="Prompt">The prompt that is explained.</param>
/// <param name="Other">The prompt that it is compared with.</param>
/// <param name="Answer">The next token that is right after the first.</param>
/// <param name="Wrong">The one that is right after the second.</param>
/// <param name="Case">What pairs are put together by; empty where all are one case.</param>
public sealed record MinimalPair(string Prompt, string Other, string Answer, string Wrong, string Case = "")
{
    // Ours, and those of feature-circuits, where sets of such pairs are published.
    private static readonly string[] Fields = ["prompt", "other", "answer", "wrong", "case"],
        Published = ["clean_prefix", "patch_prefix", "clean_answer", "patch_answer", "case"];

    /// <summary>Reads JSON lines with <c>prompt</c>, <c>other</c>, <c>answer</c>, <c>wrong</c> and perhaps <c>case</c>; or with the names
    /// that feature-circuits gives them: <c>clean_prefix</c>, <c>patch_prefix</c>, <c>clean_answer</c>, <c>patch_answer</c>.</summary>
    /// <exception cref="FileFormatException">The file cannot be read, holds nothing, or a line lacks a field.</exception>
    public static IReadOnlyList<MinimalPair> Load(string file)
    {
        MinimalPair[] pairs = [.. JsonLines.Read(file).Select(Read)];
        return pairs.Length > 0 ? pairs : throw new FileFormatException($"holds no pair; each line has {string.Join(", ", Fields)}", file);
    }

    private static MinimalPair Read(JsonSection line)
    {
        var names = line.Has(Published[0]) ? Published : Fields;
        return new(Text(line, names[0]), Text(line, names[1]), Text(line, names[2]), Text(line, names[3]), line.Text(names[4]) ?? "");
    }

    private static string Text(JsonSection line, string field) => line.Text(field) ?? throw line.Missing(field);
}
