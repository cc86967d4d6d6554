namespace GemmaScope.Workbench;

/// <summary>What a monitor watches while texts are read and written, and when it ends one.</summary>
public sealed record WatchOptions
{
    /// <summary>Directions, <c>FILE[:SITE]</c>: a file or a study's folder, read where its layer begins unless a site is named; and features,
    /// <c>DICTIONARY:NUMBER</c>.</summary>
    public required IReadOnlyList<string> Watch { get; init; }

    /// <summary>A text ends at the token where one of the values is above this; null: nothing is ended.</summary>
    public double? StopAbove { get; init; }

    /// <summary>Whether it is found out, on a short text, if the dictionaries of features read what they were trained on.</summary>
    public bool Check { get; init; } = true;

    /// <summary>How many tokens in a row have to be above, from 1.</summary>
    public int StopStreak { get; init; } = 1;
}
