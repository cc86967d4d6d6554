using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>
/// Which facts a model knows, by how it goes on with a plain text, and which it says, by how it goes on with its own turn when it is asked. Both by
/// the rank of the answer's first token among the first tokens of all answers, beside the answer of another fact in the same place.
/// </summary>
internal sealed class FactStudy(
    GemmaModel model,
    KnowledgeStudyJobOptions options,
    StudyFolder folder,
    IProgress<JobReport>? progress,
    CancellationToken cancellationToken
)
{
    public KnowledgeFacts Measure(IReadOnlyList<Fact> facts)
    {
        progress.Stage("reading facts");
        int[] all = [.. Enumerable.Range(0, facts.Count)],
            answers = [.. facts.Select(fact => First(fact.Answer))],
            exchanged = Fact.Exchanged(facts, options.Seed),
            common = [.. answers.Distinct()];
        // What is wrong in place of an answer: that of its own, or every other answer.
        int[][] candidates = [.. facts.Select((fact, i) => fact.Wrong is { } wrong ? (int[])[answers[i], First(wrong)] : common)];
        foreach (var (i, fact) in facts.Index())
            if (fact.Wrong is not null && candidates[i][0] == candidates[i][1])
                throw new ArgumentProblemException(
                    $"'{fact.Answer}' and '{fact.Wrong}' begin with the same token; an answer is known by its first one",
                    new Setting(nameof(options.Facts))
                );
        var known = folder.Part("facts known", () => Ranks("known", Plain));
        var said = folder.Part("facts said", () => Ranks("said", Asked));
        return new(
            facts.Count,
            common.Length,
            options.KnownRank,
            Share(all, i => IsIn(known[i].Rank)),
            Share(all, i => IsIn(known[i].ControlRank)),
            Share(all, i => IsIn(said[i].Rank)),
            Share(all, i => IsIn(said[i].ControlRank)),
            Share([.. all.Where(i => IsIn(known[i].Rank))], i => !IsIn(said[i].Rank)),
            Share([.. all.Where(i => !IsIn(known[i].Rank))], i => IsIn(said[i].Rank)),
            [
                .. facts.Select(
                    (fact, i) =>
                        new FactReading(fact.Id, fact.Topic, options.ShowTexts ? $"{fact.Begun} {fact.Answer}" : null, known[i], said[i])
                ),
            ]
        );

        AnswerRank[] Ranks(string how, Func<Fact, int[]> prompt)
        {
            var ranks = new AnswerRank[facts.Count];
            ResidualReadings.Read(
                model,
                [.. facts.Select(prompt)],
                [.. facts.Select(_ => (IReadOnlyList<Positions>)[])],
                [],
                (i, logits) =>
                    ranks[i] = Rank(logits, answers[i], candidates[i]) with
                    {
                        ControlRank = Among(logits, answers[exchanged[i]], candidates[exchanged[i]]),
                    },
                options.Organism,
                progress.Counting($"reading what is {how}", "facts", facts.Count),
                cancellationToken
            );
            return ranks;
        }

        Evaluation.MeanEstimate? Share(int[] places, Func<int, bool> what) => StudyMeans.Share(places.Select(what), options);
    }

    private bool IsIn(int rank) => rank <= options.KnownRank;

    private int First(string answer) => model.Tokenizer.Encode(" " + answer) is [var first, ..] ? first : 0;

    private int[] Plain(Fact fact) => model.Tokenizer.Encode(fact.Begun, addBos: true);

    private int[] Asked(Fact fact)
    {
        var prompt = ChatTokens.Of(model.ChatTemplate, model.Tokenizer, [new ChatMessage("user", fact.Question)]);
        // The model's turn is begun as a text of its own, token by token as the model would have written it.
        return [.. prompt.Ids, .. model.Tokenizer.Encode(fact.Begun)];
    }

    private static AnswerRank Rank(ReadOnlySpan<float> logits, int answer, int[] candidates)
    {
        var above = 0;
        foreach (var logit in logits)
            above += logit > logits[answer] ? 1 : 0;
        return new(Among(logits, answer, candidates), above + 1, PhraseScores.Probability(logits, answer), 0);
    }

    private static int Among(ReadOnlySpan<float> logits, int answer, int[] candidates)
    {
        var rank = 1;
        foreach (var candidate in candidates)
            rank += logits[candidate] > logits[answer] ? 1 : 0;
        return rank;
    }
}
