namespace GemmaScope.Models;

/// <summary>Caches of prompts of which neighbours begin alike: the beginning is run once, and each goes on from a copy.</summary>
internal sealed class BegunPrompts : IDisposable
{
    // Below so many tokens a copy saves nothing.
    private const int LeastShared = 16,
        Room = 64;

    private readonly GemmaModel _model;
    private readonly IReadOnlyList<int[]> _prompts;
    private readonly GenerationOptions _options;
    private readonly CancellationToken _cancellationToken;
    private readonly (int First, int Shared)[] _groups;
    private KvCache? _shared;
    private int _first = -1;

    public BegunPrompts(
        GemmaModel model,
        IReadOnlyList<int[]> prompts,
        GenerationOptions options,
        bool isShared,
        CancellationToken cancellationToken
    )
    {
        (_model, _prompts, _options, _cancellationToken) = (model, prompts, options, cancellationToken);
        _groups = isShared ? Groups(prompts) : new (int, int)[prompts.Count];
    }

    /// <summary>A cache that has seen the beginning of a prompt, perhaps nothing; the caller disposes of it. Prompts are asked for in their
    /// order.</summary>
    public KvCache Cache(int prompt)
    {
        var (first, shared) = _groups[prompt];
        if (shared == 0)
            return _model.NewCache();
        if (_shared is null || _first != first)
        {
            _shared?.Dispose();
            (_shared, _first) = (_model.NewCache(), first);
            _model
                .Run(
                    _prompts[first][..shared],
                    edits: _options.Edits,
                    cache: _shared,
                    logits: LogitRows.None,
                    arithmetic: _options.Arithmetic,
                    cancellationToken: _cancellationToken
                )
                .Dispose();
        }
        return _shared.Fork(_prompts[prompt].Length - shared + Math.Min(Room, _options.MaxNewTokens));
    }

    /// <inheritdoc/>
    public void Dispose() => _shared?.Dispose();

    /// <summary>For each prompt the first one of its group, and how many tokens the group begins with; neighbours are a group while that is
    /// most of them. The last token of a prompt is never shared: each has to be read for its own logits.</summary>
    private static (int First, int Shared)[] Groups(IReadOnlyList<int[]> prompts)
    {
        var groups = new (int, int)[prompts.Count];
        for (int first = 0, next; first < prompts.Count; first = next)
        {
            var shared = prompts[first].Length - 1;
            for (next = first + 1; next < prompts.Count; next++)
            {
                var common = Math.Min(
                    Math.Min(shared, prompts[next].Length - 1),
                    prompts[first].AsSpan().CommonPrefixLength(prompts[next])
                );
                if (common < LeastShared || 2 * common < prompts[next].Length)
                    break;
                shared = common;
            }
            for (var i = first; i < next; i++)
                groups[i] = (first, next - first > 1 ? shared : 0);
        }
        return groups;
    }
}
