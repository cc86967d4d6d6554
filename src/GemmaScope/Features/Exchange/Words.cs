namespace GemmaScope.Features.Exchange;

/// <summary>The distinct words and passages of a file, numbered as they come: not every program says which sequence an example
/// is.</summary>
internal sealed class Words
{
    private readonly Dictionary<string, int> _ids = [];
    private readonly List<string> _all = [];
    private readonly Dictionary<string, int> _passages = [];

    public IReadOnlyList<string> All => _all;

    public int Id(string word)
    {
        if (_ids.TryGetValue(word, out var id))
            return id;
        _all.Add(word);
        return _ids[word] = _all.Count - 1;
    }

    /// <summary>The number of a passage.</summary>
    public int Passage(int[] ids)
    {
        var key = string.Join(' ', ids);
        return _passages.TryGetValue(key, out var number) ? number : _passages[key] = _passages.Count;
    }
}
