namespace GemmaScope.Verification;

/// <summary>One quantity compared over many lines: how many there were, how many differ, and the first that does.</summary>
internal sealed class Tally(string name)
{
    private int _compared,
        _different;
    private string? _first;

    /// <summary>Whether nothing has been compared.</summary>
    public bool IsEmpty => _compared == 0;

    /// <summary>Compares two values that print well.</summary>
    public void Compare<T>(string where, T got, T want)
    {
        _compared++;
        if (!EqualityComparer<T>.Default.Equals(got, want))
            Differ($"{where}: {Show(got)} instead of {Show(want)}");
    }

    /// <summary>Compares two lists.</summary>
    public void CompareAll<T>(string where, IReadOnlyList<T> got, IReadOnlyList<T> want)
    {
        _compared++;
        if (got.SequenceEqual(want))
            return;
        var at = got.Zip(want).TakeWhile(p => EqualityComparer<T>.Default.Equals(p.First, p.Second)).Count();
        Differ($"{where}: at {at} {ItemAt(got, at)} instead of {ItemAt(want, at)}");
    }

    /// <summary>The verdict; a comparison of nothing fails.</summary>
    public Check ToCheck() =>
        Check.That(
            name,
            _compared > 0 && _different == 0,
            _first is null ? $"{_compared} compared" : $"{_different} of {_compared} differ; first {_first}"
        );

    private void Differ(string what)
    {
        _different++;
        _first ??= what;
    }

    private static string ItemAt<T>(IReadOnlyList<T> list, int at) => at < list.Count ? Show(list[at]) : "the end";

    private static string Show<T>(T value)
    {
        var text = System.Text.Json.JsonSerializer.Serialize(value);
        return text.Length <= 80 ? text : text[..80] + "…";
    }
}
