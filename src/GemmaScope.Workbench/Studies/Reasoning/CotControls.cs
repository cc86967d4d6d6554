using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>Reasoning that has nothing to do with the question: of another question, and random tokens.</summary>
internal sealed class CotControls
{
    private readonly CotModel _model;
    private readonly IReadOnlyList<CotAsked> _asked;
    private readonly IReadOnlyList<CotChain[]> _chains;
    private readonly int[] _words,
        _reasoned;

    public CotControls(CotModel model, IReadOnlyList<CotAsked> asked, IReadOnlyList<CotChain[]> chains)
    {
        (_model, _asked, _chains) = (model, asked, chains);
        _reasoned = [.. chains.Index().Where(one => one.Item.Any(chain => chain.Sentences > 0)).Select(one => one.Index)];
        var tokenizer = model.Model.Tokenizer;
        _words = [.. Enumerable.Range(0, Math.Min(tokenizer.VocabularySize, model.Model.Config.RealVocabulary)).Where(IsWord)];

        bool IsWord(int id) =>
            !tokenizer.IsSpecial(id) && tokenizer.Piece(id) is var piece && !(piece.StartsWith('<') && piece.EndsWith('>'));
    }

    /// <summary>A chain of another question; null where no other question has one.</summary>
    public CotChain? Shuffled(int question, int sample)
    {
        var random = new Random(_model.Seed(_asked[question], $"shuffled {sample}"));
        var others = _reasoned.Length - (_reasoned.Contains(question) ? 1 : 0);
        if (others == 0)
            return null;
        int other;
        do other = _reasoned[random.Next(_reasoned.Length)];
        while (other == question);
        CotChain[] chains = [.. _chains[other].Where(chain => chain.Sentences > 0)];
        return chains[random.Next(chains.Length)];
    }

    /// <summary>As many random tokens, in as many parts.</summary>
    public CotChain Random(int question, int sample, CotChain chain) =>
        chain with
        {
            Ids = Tokens(question, $"random {sample}", chain.Ids.Length),
        };

    /// <summary>Random tokens.</summary>
    public int[] Tokens(int question, string what, int count)
    {
        var random = new Random(_model.Seed(_asked[question], what));
        return [.. Enumerable.Range(0, count).Select(_ => _words[random.Next(_words.Length)])];
    }
}
