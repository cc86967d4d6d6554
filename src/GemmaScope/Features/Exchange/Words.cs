namespace GemmaScope.Features.Exchange;

/// <summary>The distinct words of a file, numbered as they come.</summary>
internal sealed class Words
{
    private readonly Dictionary<string, int> _ids = [];
    private readonly List<string> _all = [];

    public IReadOnlyList<string> All => _all;

    public int Id(string word)
    {
        if (_ids.TryGetValue(word, out var id)) return id;
        _all.Add(word);
        return _ids[word] = _all.Count - 1;
    }
}
