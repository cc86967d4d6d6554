using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Text;

namespace GemmaScope.Safety;

/// <summary>
/// Runs prepared texts through the model. Prompts that stand alone go through in one pass; of a text with several policies the common
/// beginning goes first, and each policy's rest goes on from a copy of its cache.
/// </summary>
internal sealed class ShieldRun(ShieldGemma shield, CancellationToken cancellation)
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
                var direct = batch.Where(i => !questions[i].Branches).ToArray();
                var branching = batch.Where(i => questions[i].Branches).ToArray();
                if (direct.Length > 0) Direct([.. direct.Select(i => questions[i])], kind.Key, (at, score) => verdicts[direct[at]] = new(questions[direct[at]], [score]));
                if (branching.Length > 0) Branching([.. branching.Select(i => questions[i])], kind.Key, (at, scores) => verdicts[branching[at]] = new(questions[branching[at]], scores));
            }
        return verdicts;
    }

    private void Direct(ShieldQuestion[] questions, Arithmetic? arithmetic, Action<int, PolicyScore> found)
    {
        using var run = _model.Run([.. questions.Select(question => question.Prompts[0])], logits: LogitRows.Last, arithmetic: arithmetic, cancellation: cancellation);
        for (var i = 0; i < questions.Length; i++) found(i, Read(shield, run.LastLogits(i), questions[i].Policies[0]));
    }

    private void Branching(ShieldQuestion[] questions, Arithmetic? arithmetic, Action<int, PolicyScore[]> found)
    {
        var begun = questions.Select(_ => _model.NewCache()).ToArray();
        try
        {
            var shared = questions.Select(question => question.SharedTokens).ToArray();
            _model.Run([.. questions.Select((question, i) => question.Prompts[0][..shared[i]])], caches: begun, logits: LogitRows.None, arithmetic: arithmetic, cancellation: cancellation).Dispose();

            var scores = questions.Select(question => new PolicyScore[question.Policies.Count]).ToArray();
            var branches = questions.SelectMany((question, i) => question.Prompts.Select((_, policy) => (Question: i, Policy: policy)));
            // A copy of a cache weighs as much as its tokens do.
            foreach (var together in Packed(branches, branch => questions[branch.Question].Prompts[branch.Policy].Length))
            {
                var rests = together.Select(branch => questions[branch.Question].Prompts[branch.Policy][shared[branch.Question]..]).ToArray();
                var caches = together.Select((branch, i) => begun[branch.Question].Fork(rests[i].Length)).ToArray();
                try
                {
                    using var run = _model.Run(rests, caches: caches, logits: LogitRows.Last, arithmetic: arithmetic, cancellation: cancellation);
                    foreach (var (i, (at, policy)) in together.Index())
                        scores[at][policy] = Explained(Read(shield, run.LastLogits(i), questions[at].Policies[policy]), questions[at].Options.Rationale, caches[i]);
                }
                finally
                {
                    foreach (var cache in caches) cache.Dispose();
                }
            }
            for (var i = 0; i < questions.Length; i++) found(i, scores[i]);
        }
        finally
        {
            foreach (var cache in begun) cache.Dispose();
        }
    }

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
        if (options is null) return score;
        int[] answer = [score.YesLogit >= score.NoLogit ? shield.YesId : shield.NoId];
        var tokens = _model.Generate(answer, options, cache, cancellation).ToArray();
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
        if (batch.Count > 0) yield return batch;
    }
}
