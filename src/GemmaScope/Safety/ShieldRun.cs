using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Text;

namespace GemmaScope.Safety;

/// <summary>
/// Runs prepared texts through the model. What all prompts begin with is run once, then what the prompts of each text begin with, then the
/// rest of
/// each prompt; each goes on from a copy of the cache before it, and all that can go together goes in one pass.
/// </summary>
internal sealed class ShieldRun(ShieldGemma shield, CancellationToken cancellationToken)
{
    /// <summary>Tokens run together: enough to make the products large, few enough to bound memory. A longer text runs by itself.</summary>
    private const int TokensTogether = 2048;

    private readonly GemmaModel _model = shield.Model;

    public ShieldVerdict[] Score(IReadOnlyList<ShieldQuestion> questions)
    {
        var verdicts = new ShieldVerdict[questions.Count];
        // A run computes in one arithmetic.
        foreach (var kind in Enumerable.Range(0, questions.Count).GroupBy(i => questions[i].Options.Arithmetic))
        foreach (var batch in Packed(kind, i => questions[i].Tokens))
        {
            var scores = Together([.. batch.Select(i => questions[i])], kind.Key);
            foreach (var (at, i) in batch.Index())
                verdicts[i] = new ShieldVerdict(questions[i], scores[at]);
        }
        return verdicts;
    }

    private PolicyScore[][] Together(ShieldQuestion[] questions, Arithmetic? arithmetic)
    {
        // What is run once for each text: its only prompt, or what its prompts begin with.
        int[][] heads =
        [
            .. questions.Select(question => question.Branches ? question.Prompts[0][..question.SharedTokens] : question.Prompts[0]),
        ];
        var common = questions.Length == 1 ? 0 : heads.Min(head => Math.Min(head.Length - 1, head.AsSpan().CommonPrefixLength(heads[0])));
        using var root = _model.NewCache();
        if (common > 0)
            Run([heads[0][..common]], [root], LogitRows.None, arithmetic).Dispose();
        var begun = heads.Select(head => root.Fork(head.Length - common)).ToArray();
        try
        {
            using var run = Run(
                [.. heads.Select(head => head[common..])],
                begun,
                questions.All(question => question.Branches) ? LogitRows.None : LogitRows.Last,
                arithmetic
            );
            PolicyScore[][] scores =
            [
                .. questions.Select(
                    (question, i) =>
                        question.Branches
                            ? new PolicyScore[question.Policies.Count]
                            : [Read(shield, run.LastLogits(i), question.Policies[0])]
                ),
            ];
            Branch(questions, begun, arithmetic, scores);
            return scores;
        }
        finally
        {
            foreach (var cache in begun)
                cache.Dispose();
        }
    }

    /// <summary>Runs the rest of each prompt from a copy of the cache that has seen its beginning.</summary>
    private void Branch(ShieldQuestion[] questions, KvCache[] begun, Arithmetic? arithmetic, PolicyScore[][] scores)
    {
        var branches = questions
            .Index()
            .Where(question => question.Item.Branches)
            .SelectMany(question =>
                question.Item.Prompts.Select((prompt, policy) => (Question: question.Index, Policy: policy, Prompt: prompt))
            );
        // A copy of a cache weighs as much as its tokens do.
        foreach (var together in Packed(branches, branch => branch.Prompt.Length))
        {
            int[][] rests = [.. together.Select(branch => branch.Prompt[begun[branch.Question].Length..])];
            var caches = together.Select((branch, i) => begun[branch.Question].Fork(rests[i].Length)).ToArray();
            try
            {
                using var run = Run(rests, caches, LogitRows.Last, arithmetic);
                foreach (var (i, (at, policy, _)) in together.Index())
                    scores[at][policy] = Explained(
                        Read(shield, run.LastLogits(i), questions[at].Policies[policy]),
                        questions[at].Options.Rationale,
                        caches[i]
                    );
            }
            finally
            {
                foreach (var cache in caches)
                    cache.Dispose();
            }
        }
    }

    private ModelRun Run(int[][] tokens, KvCache[] caches, LogitRows logits, Arithmetic? arithmetic) =>
        _model.Run(tokens, caches: caches, logits: logits, arithmetic: arithmetic, cancellationToken: cancellationToken);

    /// <summary>The score of a policy from the logits after its prompt.</summary>
    public static PolicyScore Read(ShieldGemma shield, ReadOnlySpan<float> logits, ShieldPolicy policy)
    {
        var (yes, no) = (logits[shield.YesId], logits[shield.NoId]);
        var words = logits[..shield.Model.Config.RealVocabulary];
        var mass = Math.Exp(-ModelRun.Surprise(words, shield.YesId)) + Math.Exp(-ModelRun.Surprise(words, shield.NoId));
        return new PolicyScore(policy, ShieldGemma.Probability(yes, no), yes, no, mass, Rationale: null);
    }

    /// <summary>Lets the model go on after the word that it prefers.</summary>
    private PolicyScore Explained(PolicyScore score, GenerationOptions? options, KvCache cache)
    {
        if (options is null)
            return score;
        int[] answer = [score.YesLogit >= score.NoLogit ? shield.YesId : shield.NoId];
        var tokens = _model.Generate(answer, options, cache, cancellationToken).ToArray();
        return score with { Rationale = _model.Tokenizer.Decode([.. answer, .. tokens], skipSpecial: true) };
    }

    /// <summary>Consecutive items whose tokens together stay within the limit, or one alone.</summary>
    private static IEnumerable<List<T>> Packed<T>(IEnumerable<T> items, Func<T, int> tokens)
    {
        var (batch, sum) = (new List<T>(), 0);
        foreach (var item in items)
        {
            var added = tokens(item);
            if (batch.Count > 0 && sum + added > TokensTogether)
            {
                yield return batch;
                (batch, sum) = ([], 0);
            }
            batch.Add(item);
            sum += added;
        }
        if (batch.Count > 0)
            yield return batch;
    }
}
