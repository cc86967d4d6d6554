using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Safety;

/// <summary>Runs the prompts of prepared texts through the model: what several of them begin with once, and all that can go together in one
/// pass.</summary>
internal sealed class ShieldRun(ShieldGemma shield, ShieldBeginnings beginnings, CancellationToken cancellationToken)
{
    private readonly GemmaModel _model = shield.Model;

    public ShieldVerdict[] Score(IReadOnlyList<ShieldQuestion> questions)
    {
        PolicyScore[][] scores = [.. questions.Select(question => new PolicyScore[question.Policies.Count])];
        // A run computes in one arithmetic.
        foreach (var kind in Enumerable.Range(0, questions.Count).GroupBy(i => questions[i].Options.Arithmetic))
            Score(questions, [.. kind], kind.Key, scores);
        return [.. questions.Zip(scores, (question, own) => new ShieldVerdict(question, own))];
    }

    private void Score(IReadOnlyList<ShieldQuestion> questions, int[] chosen, Arithmetic? arithmetic, PolicyScore[][] scores)
    {
        (int Question, int Policy)[] asked =
        [
            .. chosen.SelectMany(i => Enumerable.Range(0, questions[i].Policies.Count).Select(policy => (i, policy))),
        ];
        _model.ReadNext(
            [.. asked.Select(one => questions[one.Question].Prompts[one.Policy])],
            (at, logits, cache) =>
            {
                var (i, policy) = asked[at];
                scores[i][policy] = Explained(Read(shield, logits, questions[i].Policies[policy]), questions[i].Options.Rationale, cache);
            },
            beginnings.Of([.. chosen.Select(i => questions[i])], arithmetic, cancellationToken),
            edits: [],
            arithmetic,
            cancellationToken
        );
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
        if (options is null)
            return score;
        int[] answer = [score.YesLogit >= score.NoLogit ? shield.YesId : shield.NoId];
        using var own = cache.Fork();
        var tokens = _model.Generate(answer, options, own, cancellationToken).ToArray();
        return score with { Rationale = _model.Tokenizer.Decode([.. answer, .. tokens], skipSpecial: true) };
    }
}
