using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Safety;

/// <summary>
/// What prompts begin with before a text comes: words of the template, and of policies that stand first. A beginning that comes up for
/// another text is read once and kept, so that later texts run only what is their own. May be used from several threads.
/// </summary>
internal sealed class ShieldBeginnings(GemmaModel model) : IDisposable
{
    /// <summary>Beginnings that are told apart; policies and templates are few, and whoever has more goes without.</summary>
    private const int Most = 64;

    /// <summary>Below so many tokens a pass for them alone saves nothing.</summary>
    private const int LeastTokens = 16;

    private const long MostBytes = 256L << 20;

    private readonly Lock _gate = new();
    private readonly List<Beginning> _known = [];
    private bool _disposed;

    /// <summary>The beginnings of questions that are kept, those that came up before or several times among these read now.</summary>
    public IReadOnlyList<BegunSequence> Of(
        IReadOnlyList<ShieldQuestion> questions,
        Arithmetic? arithmetic,
        CancellationToken cancellationToken
    )
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(ShieldGemma));
            HashSet<Beginning> met = [];
            foreach (var question in questions)
            foreach (var one in Met(question, arithmetic))
            {
                one.Texts++;
                met.Add(one);
            }
            foreach (var one in met)
                if (one is { Cache: null, Texts: > 1 } && _known.Sum(known => known.Cache?.Bytes ?? 0) < MostBytes)
                    one.Cache = Read(one, cancellationToken);
            return [.. met.Where(one => one.Cache is not null).Select(one => new BegunSequence(one.Tokens, one.Cache!))];
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            foreach (var one in _known)
                one.Cache?.Dispose();
            _known.Clear();
        }
    }

    /// <summary>The beginnings of a question's prompts, each once: what its own prompts share counts for one text.</summary>
    private HashSet<Beginning> Met(ShieldQuestion question, Arithmetic? arithmetic)
    {
        HashSet<Beginning> met = [];
        foreach (var (prompt, length) in question.Prompts.Zip(question.Beginnings))
        {
            if (length < LeastTokens)
                continue;
            var tokens = prompt.AsSpan()[..length];
            Beginning? same = null;
            foreach (var one in _known)
                if (one.Arithmetic == arithmetic && tokens.SequenceEqual(one.Tokens))
                    same = one;
            if (same is null && _known.Count < Most)
                _known.Add(same = new([.. tokens], arithmetic));
            if (same is not null)
                met.Add(same);
        }
        return met;
    }

    private KvCache Read(Beginning one, CancellationToken cancellationToken)
    {
        var cache = model.NewCache();
        try
        {
            model
                .Run(one.Tokens, cache: cache, logits: LogitRows.None, arithmetic: one.Arithmetic, cancellationToken: cancellationToken)
                .Dispose();
            return cache;
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    private sealed class Beginning(int[] tokens, Arithmetic? arithmetic)
    {
        public int[] Tokens => tokens;

        public Arithmetic? Arithmetic => arithmetic;

        /// <summary>Texts whose prompts began so.</summary>
        public int Texts { get; set; }

        public KvCache? Cache { get; set; }
    }
}
