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
        int[] answers = [.. facts.Select(fact => First(fact.Answer))],
            controls = [.. Fact.Exchanged(facts, options.Seed).Select(First)],
            candidates = [.. answers.Distinct()];
        var known = folder.Part("facts known", () => Ranks("known", Plain));
        var said = folder.Part("facts said", () => Ranks("said", Asked));
        int[] all = [.. Enumerable.Range(0, facts.Count)];
        return new(
            facts.Count,
            candidates.Length,
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
                        new FactReading(
                            fact.Id,
                            fact.Topic,
                            options.ShowTexts ? $"{fact.Subject}: {fact.Answer}" : null,
                            known[i],
                            said[i]
                        )
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
                (i, logits) => ranks[i] = Rank(logits, answers[i], controls[i], candidates),
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

    private static string Begun(Fact fact) => $"The {fact.Relation} of {fact.Subject} is";

    private int[] Plain(Fact fact) => model.Tokenizer.Encode(Begun(fact), addBos: true);

    private int[] Asked(Fact fact)
    {
        var prompt = ChatTokens.Of(
            model.ChatTemplate,
            model.Tokenizer,
            [new ChatMessage("user", $"What is the {fact.Relation} of {fact.Subject}?")]
        );
        // The model's turn is begun as a text of its own, token by token as the model would have written it.
        return [.. prompt.Ids, .. model.Tokenizer.Encode(Begun(fact))];
    }

    private static AnswerRank Rank(ReadOnlySpan<float> logits, int answer, int control, int[] candidates)
    {
        float own = logits[answer],
            most = logits[0];
        var above = 0;
        foreach (var logit in logits)
        {
            above += logit > own ? 1 : 0;
            most = Math.Max(most, logit);
        }
        double sum = 0;
        foreach (var logit in logits)
            sum += Math.Exp(logit - most);
        return new(Among(logits, own), above + 1, Math.Exp(own - most) / sum, Among(logits, logits[control]));

        int Among(ReadOnlySpan<float> all, float value)
        {
            var rank = 1;
            foreach (var candidate in candidates)
                rank += all[candidate] > value ? 1 : 0;
            return rank;
        }
    }
}
