namespace GemmaScope.Text;

/// <summary>Names of the columns that hold documents.</summary>
public static class TextColumns
{
    /// <summary>The columns to look for, the first that is there counts: the one that was named, or the usual one and those that stand for
    /// it.</summary>
    public static IReadOnlyList<string> Of(TextOrigin origin) =>
        origin.IsColumnNamed ? [origin.Column] : [origin.Column, "messages", "conversations", "input_ids"];
}
