namespace GemmaScope.Server.Pages;

/// <summary>What a page of a feature depends on besides the database.</summary>
/// <param name="Dictionary">Number of its dictionary.</param>
/// <param name="Feature">Its index.</param>
/// <param name="Options">What of it is wanted.</param>
internal sealed record PageKey(long Dictionary, int Feature, FeatureViewOptions Options);

/// <summary>
/// Pages as they are sent, for as long as nothing in the database changes. One is kept when it is asked for a second time, so that who
/// walks through
/// thousands does not drive out those that many look at; the ones not asked for longest make room.
/// </summary>
/// <param name="mostBytes">Room for pages.</param>
internal sealed class PageCache(long mostBytes = 32 << 20)
{
    private const int MostRemembered = 1 << 14;

    private readonly Lock _lock = new();
    private readonly HashSet<PageKey> _seen = [];
    private readonly Dictionary<PageKey, LinkedListNode<(PageKey Key, Page Page, int Bytes)>> _kept = [];
    private readonly LinkedList<(PageKey Key, Page Page, int Bytes)> _byUse = [];
    private string _version = "";
    private long _bytes;

    /// <summary>A page as it was made at this version of the database, or null.</summary>
    public Page? Find(PageKey key, string version)
    {
        lock (_lock)
        {
            if (version != _version || !_kept.TryGetValue(key, out var node))
                return null;
            _byUse.Remove(node);
            _byUse.AddLast(node);
            return node.Value.Page;
        }
    }

    /// <summary>Keeps a page that was made from the database at this version, if it is asked for again and again.</summary>
    /// <returns>The page, in one piece if it was kept.</returns>
    public Page Keep(PageKey key, string version, Page page)
    {
        lock (_lock)
        {
            if (version != _version)
                Forget(version);
            if (_seen.Count >= MostRemembered)
                _seen.Clear();
            if (_seen.Add(key))
                return page;
        }
        page = page.Packed();
        var bytes = page.CountBytes();
        lock (_lock)
        {
            if (version != _version || bytes > mostBytes / 16 || _kept.ContainsKey(key))
                return page;
            _kept[key] = _byUse.AddLast((key, page, bytes));
            _bytes += bytes;
            while (_bytes > mostBytes && _byUse.First is { } oldest)
            {
                _kept.Remove(oldest.Value.Key);
                _byUse.Remove(oldest);
                _bytes -= oldest.Value.Bytes;
            }
        }
        return page;
    }

    private void Forget(string version)
    {
        _version = version;
        _seen.Clear();
        _kept.Clear();
        _byUse.Clear();
        _bytes = 0;
    }
}
