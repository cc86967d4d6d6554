namespace GemmaScope.Text;

/// <summary>Pieces as a tree of characters, for finding those that begin at a place of a text.</summary>
internal sealed class PieceTrie
{
    /// <summary>The node to start from.</summary>
    public const int Root = 0;

    private readonly Dictionary<long, int> _edges = [];
    private readonly List<int> _ids = [-1];

    public void Add(ReadOnlySpan<char> piece, int id)
    {
        var node = Root;
        foreach (var c in piece)
        {
            if (!_edges.TryGetValue(Key(node, c), out var next))
            {
                next = _ids.Count;
                _edges.Add(Key(node, c), next);
                _ids.Add(-1);
            }
            node = next;
        }
        _ids[node] = id;
    }

    /// <summary>Follows one character; false where no piece goes on with it.</summary>
    public bool TryStep(ref int node, char c) => _edges.TryGetValue(Key(node, c), out node);

    /// <summary>The piece that ends at this node, or -1.</summary>
    public int IdAt(int node) => _ids[node];

    private static long Key(int node, char c) => ((long)node << 16) | c;
}
